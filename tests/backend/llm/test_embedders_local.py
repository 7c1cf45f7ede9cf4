"""A model on this machine, run by the real onnxruntime."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Any, TypeAlias

import numpy as np
import pytest
import structlog
from onnx import save_model

from backend.llm.embedder import Embedder, EmbedderInvalid, EmbedderUnavailable, read_embedder
from backend.llm.embedding.hub import Hub
from backend.llm.embedding.local import LocalEmbedder, batches
from benchmarks.minilm import INSTALL, PACKAGE, make_minilm
from tests.backend.llm.tiny_model import CLS, FIRST, MEAN, TABLE, make_model, mean_of, module, tiny_graph, write

Load: TypeAlias = Callable[[Path | str], Embedder]


@pytest.fixture
async def load() -> AsyncIterator[Load]:
    async with AsyncExitStack() as stack:

        def make(name: Path | str) -> Embedder:
            embedder = read_embedder(f"local:{name}", {})
            stack.push_async_callback(embedder.close)
            return embedder

        yield make


async def reason_of(embedder: Embedder) -> str:
    """What the log tells of a model that cannot be used."""
    with structlog.testing.capture_logs() as logs, pytest.raises(EmbedderUnavailable):
        await embedder.embed_passages(["w1"])
    return str(logs[-1]["reason"])


@pytest.mark.parametrize("graph", ["model.onnx", "onnx/model.onnx"])
@pytest.mark.parametrize("pooling", [None, MEAN, {"pooling_mode": "mean"}, {}])
async def test_a_text_is_the_mean_of_its_tokens(
    tmp_path: Path, load: Load, graph: str, pooling: dict[str, Any] | None
) -> None:
    embedder = load(make_model(tmp_path, pooling=pooling, graph=graph))
    vectors = await embedder.embed_passages(["w1 w2 w3", "w4"])
    np.testing.assert_allclose(vectors, [mean_of("w1 w2 w3"), mean_of("w4")], atol=1e-6)


async def test_a_text_is_its_first_token_where_the_model_says_so(tmp_path: Path, load: Load) -> None:
    embedder = load(make_model(tmp_path, pooling=CLS))
    (vector,) = await embedder.embed_passages(["w1 w2 w3"])
    np.testing.assert_allclose(vector, TABLE[FIRST] / np.linalg.norm(TABLE[FIRST]), atol=1e-6)


async def test_a_model_may_do_the_pooling_itself(tmp_path: Path, load: Load) -> None:
    save_model(tiny_graph("sentence_embedding"), make_model(tmp_path, pooling={"pooling_mode": "max"}) / "model.onnx")
    assert "pools by" in await reason_of(load(tmp_path))
    save_model(tiny_graph("sentence_embedding"), make_model(tmp_path, pooling=MEAN) / "model.onnx")
    assert (await load(tmp_path).embed_passages(["w1 w2", "w3"])).shape == (2, 8)


async def test_many_texts_keep_their_order_and_do_not_change_one_another(tmp_path: Path, load: Load) -> None:
    lengths = np.random.default_rng(2).integers(1, 300, 100)
    texts = [" ".join(f"w{(start + word) % 33}" for word in range(length)) for start, length in enumerate(lengths)]
    vectors = await load(make_model(tmp_path)).embed_passages(texts)
    np.testing.assert_allclose(vectors, [mean_of(text) for text in texts], atol=1e-5)


def test_batches_go_from_short_to_long_and_are_bounded_by_what_padding_makes_of_them() -> None:
    assert batches([5, 1, 3]) == [[1, 2, 0]]
    assert [len(batch) for batch in batches([10] * 20)] == [16, 4]
    assert batches([9_000, 1, 9_000]) == [[1], [0], [2]]
    assert batches([]) == []


async def test_of_a_long_text_the_beginning_is_read(tmp_path: Path, load: Load) -> None:
    embedder = load(make_model(tmp_path, pooling=MEAN))  # of 10 tokens, two are the frame
    (vector,) = await embedder.embed_passages(["w1 w2 w3 w4 w5 w6 w7 w8" + " w9" * 100_000])
    np.testing.assert_allclose(vector, mean_of("w1 w2 w3 w4 w5 w6 w7 w8"), atol=1e-6)


async def test_any_text_has_a_vector(tmp_path: Path, load: Load) -> None:
    vectors = await load(make_model(tmp_path)).embed_questions(["", "🙂", "half a character \ud83d"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


async def test_e5_knows_a_question_from_a_passage(tmp_path: Path, load: Load) -> None:
    embedder = load(make_model(tmp_path / "my-e5-small"))
    question, passage = await embedder.embed_questions(["w1"]), await embedder.embed_passages(["w1"])
    np.testing.assert_allclose(question[0], mean_of("query: w1"), atol=1e-6)
    np.testing.assert_allclose(passage[0], mean_of("passage: w1"), atol=1e-6)


async def test_a_question_does_not_wait_for_passages(tmp_path: Path) -> None:
    embedder = LocalEmbedder("local:tiny", str(make_model(tmp_path)), hub=Hub({}), cache=tmp_path)
    gate = Event()
    embedder._passages.submit(gate.wait)  # a long batch
    passages = asyncio.ensure_future(embedder.embed_passages(["w1"]))
    try:
        async with asyncio.timeout(30):
            assert len(await embedder.embed_questions(["w2"])) == 1
        assert not passages.done()
    finally:
        gate.set()
    assert len(await passages) == 1
    await embedder.close()


async def test_a_package_may_carry_the_model(tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    make_model(tmp_path / "carried_model" / "model")
    (tmp_path / "carried_model" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert len(await load("carried-model").embed_passages(["w1"])) == 1


def test_a_folder_without_a_tokenizer_is_no_model(tmp_path: Path, load: Load) -> None:
    (make_model(tmp_path) / "tokenizer.json").unlink()
    with pytest.raises(EmbedderInvalid, match=r"a folder with model.onnx and tokenizer.json"):
        load(tmp_path)


async def test_a_broken_model_is_told_in_the_log_and_left_alone(tmp_path: Path, load: Load) -> None:
    (make_model(tmp_path) / "model.onnx").write_bytes(b"garbage")
    embedder = load(tmp_path)
    assert str(tmp_path) in await reason_of(embedder)
    with structlog.testing.capture_logs() as logs, pytest.raises(EmbedderUnavailable) as caught:
        await embedder.embed_questions(["w1"])
    assert logs == []
    assert caught.value.retry_after == pytest.approx(60, abs=5)


async def test_a_model_that_ends_in_more_than_pooling_is_not_understood(tmp_path: Path, load: Load) -> None:
    write(make_model(tmp_path, pooling=MEAN) / "modules.json", [module("", "Transformer"), module("2_Dense", "Dense")])
    assert "Dense" in await reason_of(load(tmp_path))


def test_nothing_heavy_is_imported_before_it_is_needed(tmp_path: Path) -> None:
    make_model(tmp_path)
    code = (
        "import sys; from backend.llm.embedder import read_embedder; read_embedder(sys.argv[1], {});"
        "assert not sys.modules.keys() & {'onnxruntime', 'tokenizers'}"
    )
    subprocess.run([sys.executable, "-c", code, f"local:{tmp_path}"], check=True, timeout=60)


# The first four numbers that sentence-transformers 6.2.0 (torch 2.13.0) gives for each text.
REFERENCE = {
    "The cat sleeps on the sofa.": [0.1625741, -0.0737972, -0.0298637, 0.040159],
    "Кошка спит на диване.": [-0.04615, 0.0940616, -0.050374, -0.0533829],
    "What did Caroline say about her camping trip in June?": [-0.0159183, 0.0746421, 0.0187713, 0.1027473],
    "word " * 600: [-0.0081237, -0.095586, -0.0386731, 0.049662],
}


@pytest.mark.skipif(not find_spec(PACKAGE), reason=f"needs the weights of all-MiniLM-L6-v2: {INSTALL}")
async def test_minilm_gives_the_vectors_of_its_authors(tmp_path: Path, load: Load) -> None:
    vectors = await load(make_minilm(tmp_path)).embed_passages([*REFERENCE])
    assert vectors.shape == (len(REFERENCE), 384)
    np.testing.assert_allclose(vectors[:, :4], [*REFERENCE.values()], atol=1e-6)
