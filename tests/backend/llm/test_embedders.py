"""Which embedder settings name, and what all of them spare themselves."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from backend.llm.embedder import EmbedderInvalid, Vectors, read_embedder
from backend.llm.embedding import thrift
from backend.llm.embedding.prefixes import prefixes_of
from backend.llm.embedding.thrift import Thrifty
from tests.simulators.provider import Provider


@pytest.mark.parametrize("key", ["", "secret"])
@pytest.mark.parametrize(
    ("spec", "name"),
    [("ollama:nomic-embed-text", "OLLAMA"), ("openai:text-embedding-3-small", "OPENAI"), ("My-Own:m:1", "MY_OWN")],
)
async def test_a_service_is_found_by_its_own_variables(provider: Provider, spec: str, name: str, key: str) -> None:
    provider.key = key
    environment = {f"{name}_BASE_URL": f"http://127.0.0.1:{provider.port}", f"{name}_API_KEY": key or "any"}
    embedder = read_embedder(spec, environment)
    vectors = await embedder.embed_passages(["hello"])
    await embedder.close()
    assert vectors.shape == (1, 256)
    assert embedder.spec == spec.replace("My-Own", "my-own")
    assert provider.embeddings.calls[0].body["model"] == spec.partition(":")[2]
    assert provider.embeddings.paths == ["/v1/embeddings"]


@pytest.mark.parametrize("path", ["", "/", "/v1"])
async def test_infinity_has_its_embeddings_without_v1(provider: Provider, path: str) -> None:
    environment = {"EMBEDDINGS_BASE_URL": f"http://127.0.0.1:{provider.port}{path}"}
    embedder = read_embedder("infinity:BAAI/bge-m3", environment)
    await embedder.embed_questions(["hello"])
    await embedder.close()
    assert embedder.spec == "infinity:BAAI/bge-m3"
    assert provider.embeddings.paths == [f"{path.rstrip('/')}/embeddings"]
    assert "Authorization" not in provider.embeddings.calls[0].headers


@pytest.mark.parametrize(
    ("spec", "environment", "told"),
    [
        ("", {}, "names no model"),
        ("openai", {"OPENAI_API_KEY": "k"}, "names no model"),
        ("openai:text-embedding-3-small", {}, "set OPENAI_API_KEY"),
        ("ollama:nomic-embed-text", {}, "set OLLAMA_BASE_URL"),
        ("infinity:BAAI/bge-m3", {}, "set EMBEDDINGS_BASE_URL"),
        ("infinity:BAAI/bge-m3", {"EMBEDDINGS_BASE_URL": "localhost:7997"}, "EMBEDDINGS_BASE_URL is no address"),
        ("mine:any", {}, "set MINE_BASE_URL"),
        ("mine:any", {"MINE_BASE_URL": "http://x", "MINE_API_KEY": "ключ"}, "MINE_API_KEY holds letters"),
        ("local:/no/such/folder", {}, "local:/no/such/folder is no model"),
        ("local:no-such-package", {}, "local:no-such-package is no model"),
    ],
)
def test_what_is_missing_is_named(spec: str, environment: dict[str, str], told: str) -> None:
    with pytest.raises(EmbedderInvalid, match=told):
        read_embedder(spec, environment)


@pytest.mark.parametrize("spec", ["local", "local:", " Local ", "local:intfloat/multilingual-e5-small"])
def test_local_alone_is_the_multilingual_model(spec: str, tmp_path: Path) -> None:
    embedder = read_embedder(spec, {"XDG_CACHE_HOME": str(tmp_path)})
    assert embedder.spec == "local:intfloat/multilingual-e5-small"


@pytest.mark.parametrize(
    ("model", "question", "passage"),
    [
        ("intfloat/multilingual-e5-small", "query: ", "passage: "),
        ("e5-large-v2", "query: ", "passage: "),
        ("intfloat/multilingual-e5-large-instruct", "", ""),
        ("nomic-embed-text:v1.5", "search_query: ", "search_document: "),
        ("BAAI/bge-m3", "", ""),
        ("text-embedding-3-small", "", ""),
    ],
)
def test_some_models_want_to_know_a_question_from_a_passage(model: str, question: str, passage: str) -> None:
    prefixes = prefixes_of(model)
    assert (prefixes.question, prefixes.passage) == (question, passage)


class Counts:
    """An embedder that remembers what it was asked; its vectors tell the length of the text."""

    spec = "counts:all"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.asked.append([*texts])
        return np.array([[len(text), 0] for text in texts], np.float32).reshape(len(texts), 2)

    embed_questions = embed_passages

    async def close(self) -> None:
        self.asked.clear()


async def test_equal_texts_are_embedded_once() -> None:
    embedder = Thrifty(counts := Counts())
    for embed in (embedder.embed_passages, embedder.embed_questions):
        vectors = await embed(["a", "bbb", "a", "cc", "bbb"])
        assert [row[0] for row in vectors.tolist()] == [1, 3, 1, 2, 3]
        assert counts.asked.pop() == ["a", "bbb", "cc"]


async def test_no_texts_are_no_rows() -> None:
    embedder = Thrifty(Counts())
    assert len(await embedder.embed_passages([])) == len(await embedder.embed_questions([])) == 0


async def test_a_question_is_remembered_and_a_passage_is_not() -> None:
    embedder = Thrifty(counts := Counts())
    for texts in (["where?"], ["where?", "when?"], ["when?", "where?"]):
        vectors = await embedder.embed_questions(texts)
        assert [row[0] for row in vectors.tolist()] == [len(text) for text in texts]
        await embedder.embed_passages(["said"])
    assert counts.asked == [["where?"], ["said"], ["when?"], ["said"], ["said"]]


async def test_only_the_last_questions_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thrift, "REMEMBERED_BYTES", 3 * 2 * 4)
    embedder = Thrifty(counts := Counts())
    for text in ("a", "b", "c", "a", "d", "a", "b"):  # d drives out b, which was asked for least recently
        await embedder.embed_questions([text])
    assert counts.asked == [["a"], ["b"], ["c"], ["d"], ["b"]]
