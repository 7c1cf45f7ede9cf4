"""A model that is downloaded from a simulated hub over real sockets; the real one is not asked."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import structlog

from backend.llm.embedder import Embedder, EmbedderUnavailable, read_embedder
from backend.llm.embedding.hub import DownloadFailed
from backend.llm.embedding.hub import Hub as Client
from tests.backend.llm.tiny_model import MEAN, make_model, mean_of
from tests.simulators.hub import Hub

GRAPH = "onnx/model.onnx"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    folder = make_model(tmp_path / "published", pooling=MEAN, graph=GRAPH)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    unwanted = {"README.md": b"#", "model.safetensors": b"0" * 5_000, "onnx/model_qint8.onnx": b"0" * 5_000}
    async with Hub(files | unwanted) as hub:
        yield hub


@pytest.fixture
async def embedder(hub: Hub, tmp_path: Path) -> AsyncIterator[Embedder]:
    environment = {"HF_ENDPOINT": hub.address, "HF_TOKEN": "secret", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    embedder = read_embedder("local:owner/tiny", environment)
    yield embedder
    await embedder.close()


async def download(hub: Hub, folder: Path, name: str = "owner/tiny") -> None:
    await Client({"HF_ENDPOINT": hub.address}).download(name, folder)


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_passages_make_it_come_and_questions_find_it(hub: Hub, embedder: Embedder, tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable):
        await embedder.embed_questions(["w1"])
    assert hub.gets == []
    np.testing.assert_allclose(await embedder.embed_passages(["w1 w2"]), [mean_of("w1 w2")], atol=1e-6)
    np.testing.assert_allclose(await embedder.embed_questions(["w1"]), [mean_of("w1")], atol=1e-6)
    assert {get.authorization for get in hub.gets} == {"Bearer secret"}
    kept = files_in(tmp_path / "cache" / "llm-bot-core" / "models" / "owner--tiny")
    assert kept == {path: raw for path, raw in hub.files.items() if path in kept}
    assert kept.keys() == {
        "tokenizer.json", "config.json", "sentence_bert_config.json", "modules.json", "1_Pooling/config.json", GRAPH,
    }  # fmt: skip


async def test_it_comes_once(hub: Hub, embedder: Embedder, tmp_path: Path) -> None:
    await embedder.embed_passages(["w1"])
    came = len(hub.gets)
    other = read_embedder("local:owner/tiny", {"HF_ENDPOINT": hub.address, "XDG_CACHE_HOME": str(tmp_path / "cache")})
    await other.embed_passages(["w1"])
    await other.close()
    assert len(hub.gets) == came


@pytest.mark.parametrize("knows_ranges", [True, False])
async def test_a_cut_file_is_gone_on_with(hub: Hub, tmp_path: Path, knows_ranges: bool) -> None:
    hub.knows_ranges = knows_ranges
    hub.cuts[GRAPH] = 1_200
    with pytest.raises(DownloadFailed):
        await download(hub, tmp_path / "model")
    assert not (tmp_path / "model").exists()
    hub.cuts.clear()
    hub.gets.clear()
    await download(hub, tmp_path / "model")
    assert [(get.path, get.range) for get in hub.gets] == [(GRAPH, "bytes=1200-")]
    assert files_in(tmp_path / "model")[GRAPH] == hub.files[GRAPH]


@pytest.mark.parametrize("path", [GRAPH, "config.json"])
async def test_other_bytes_than_the_hub_tells_are_not_kept(hub: Hub, tmp_path: Path, path: str) -> None:
    true = hub.files[path]
    for lie in (bytes(len(true)), true + b"more", true[:-1]):
        hub.lies[path] = lie
        with pytest.raises(DownloadFailed):
            await download(hub, tmp_path / "model")
        assert not (tmp_path / "model").exists()
    hub.lies.clear()
    await download(hub, tmp_path / "model")
    assert files_in(tmp_path / "model")[path] == true


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
async def test_a_hub_that_refuses_is_told_in_the_log_and_left_alone(hub: Hub, embedder: Embedder, status: int) -> None:
    hub.status = status
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(EmbedderUnavailable):
                await embedder.embed_passages(["w1"])
    failed = [line["reason"] for line in logs if line["event"] == "embedder_failed"]
    assert failed == [f"the hub answers {status} for owner/tiny"]
    assert "secret" not in str(logs)


async def test_a_repository_without_a_model_is_none(hub: Hub, tmp_path: Path) -> None:
    del hub.files[GRAPH]
    with pytest.raises(DownloadFailed, match=r"none of model.onnx, onnx/model.onnx"):
        await download(hub, tmp_path / "model")


async def test_another_repository_is_not_there(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="404"):
        await download(hub, tmp_path / "model", "owner/other")


async def test_a_revision_may_be_named(hub: Hub, tmp_path: Path) -> None:
    hub.revision = "v1.0"
    await download(hub, tmp_path / "model", "owner/tiny@v1.0")
    assert files_in(tmp_path / "model")[GRAPH] == hub.files[GRAPH]
    with pytest.raises(DownloadFailed, match="404"):
        await download(hub, tmp_path / "another")


async def test_two_do_not_download_the_same(hub: Hub, tmp_path: Path) -> None:
    results = await asyncio.gather(
        download(hub, tmp_path / "model"), download(hub, tmp_path / "model"), return_exceptions=True
    )
    assert [type(result) for result in results if result] == [DownloadFailed]
    assert len(hub.gets) == len({get.path for get in hub.gets})
    assert files_in(tmp_path / "model")[GRAPH] == hub.files[GRAPH]


async def test_nobody_there_is_a_failure(hub: Hub, tmp_path: Path) -> None:
    client = Client({"HF_ENDPOINT": "http://127.0.0.1:1"})
    with pytest.raises(DownloadFailed, match="ConnectionRefusedError"):
        await client.download("owner/tiny", tmp_path / "model")
