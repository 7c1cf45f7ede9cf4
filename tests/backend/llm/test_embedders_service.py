"""An embedding service over a real socket: what it sends becomes vectors or `EmbedderUnavailable`, and nothing else."""

import asyncio

import numpy as np
import pytest
import structlog

from backend.llm import wire
from backend.llm.embedding import service
from backend.llm.embedding.service import ServiceEmbedder, batches
from tests.backend.llm.conftest import ConnectEmbedder, Serve
from tests.backend.llm.misbehaviours import http
from tests.backend.llm.vectors import expected, problem_of
from tests.simulators.embeddings import Embeds
from tests.simulators.provider import BROKEN_JSON, OTHER_SHAPE, WEB_PAGE, Fails, Provider, Says
from tests.simulators.provider_behaviours import Behaviour


async def test_every_text_gets_its_row_of_length_one(embedder: ServiceEmbedder) -> None:
    texts = ["The cat sleeps", "Кошка спит", "cats sleep a lot", "the weather in May"]
    vectors = await embedder.embed_passages(texts)
    assert (str(vectors.dtype), vectors.shape) == ("float32", (4, 256))
    np.testing.assert_allclose(vectors, expected(*texts), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


async def test_the_request_says_no_more_than_it_must(embedder: ServiceEmbedder, provider: Provider) -> None:
    await embedder.embed_questions(["hello"])
    assert provider.embeddings.calls[0].body == {"model": "model", "input": ["hello"], "encoding_format": "base64"}
    assert provider.embeddings.calls[0].headers["Authorization"] == "Bearer k"


async def test_a_provider_that_ignores_base64_is_understood(embedder: ServiceEmbedder, provider: Provider) -> None:
    provider.embeddings.usual = Embeds(knows_base64=False)
    np.testing.assert_allclose(await embedder.embed_passages(["hello"]), expected("hello"), atol=1e-6)
    assert len(provider.embeddings.calls) == 1


async def test_a_provider_that_refuses_base64_is_asked_for_it_once(
    embedder: ServiceEmbedder, provider: Provider
) -> None:
    provider.embeddings.refuses_base64 = True
    for text in ("hello", "again"):
        np.testing.assert_allclose(await embedder.embed_passages([text]), expected(text), atol=1e-6)
    told = ["encoding_format" in call.body for call in provider.embeddings.calls]
    assert told == [True, False, False]


async def test_texts_go_in_batches_by_count_and_by_characters(embedder: ServiceEmbedder, provider: Provider) -> None:
    short = [f"text {number}" for number in range(70)]
    vectors = await embedder.embed_passages(short)
    np.testing.assert_allclose(vectors, expected(*short), atol=1e-6)
    assert [len(texts) for texts in provider.embeddings.texts] == [32, 32, 6]
    long = ["x" * 30_000] * 3
    assert [len(batch) for batch in batches(long)] == [2, 1]
    assert [*batches([])] == []


async def test_an_endless_text_is_cut(embedder: ServiceEmbedder, provider: Provider) -> None:
    await embedder.embed_passages(["word " * 100_000])
    assert len(provider.embeddings.texts[0][0]) <= service.LONGEST_TEXT


async def test_an_empty_text_has_a_vector_too(embedder: ServiceEmbedder, provider: Provider) -> None:
    vectors = await embedder.embed_passages(["", " \n", "hello", "half a character \ud83d"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert len(provider.embeddings.calls) == 1


async def test_order_is_told_by_the_index(embedder: ServiceEmbedder, provider: Provider) -> None:
    provider.embeddings.will(Embeds(spoiled=lambda data: data[::-1]))
    np.testing.assert_allclose(await embedder.embed_passages(["a", "b", "c"]), expected("a", "b", "c"), atol=1e-6)


async def test_without_indexes_the_order_is_kept(embedder: ServiceEmbedder, provider: Provider) -> None:
    provider.embeddings.will(Embeds(spoiled=lambda data: [{"embedding": row["embedding"]} for row in data]))
    np.testing.assert_allclose(await embedder.embed_passages(["a", "b", "c"]), expected("a", "b", "c"), atol=1e-6)


def every(**change: object) -> Embeds:
    return Embeds(spoiled=lambda data: [row | change for row in data])


def first(**change: object) -> Embeds:
    return Embeds(spoiled=lambda data: [data[0] | change, *data[1:]])


NOT_FINITE = Says('{"data": [{"embedding": [NaN, 1.0]}, {"embedding": [1.0, 1.0]}]}')
NULLS = Says('{"data": [{"embedding": [null, 1.0]}, {"embedding": [1.0, 1.0]}]}')


@pytest.mark.parametrize(
    "behaviour",
    [
        BROKEN_JSON,
        OTHER_SHAPE,
        WEB_PAGE,
        NOT_FINITE,
        NULLS,
        Says(""),
        Says("[]"),
        Says('{"data": null}'),
        Says('{"data": {"0": 1}}'),
        Says('{"data": [1, 2]}'),
        Says('{"data": ["ab", "cd"]}'),
        Embeds(spoiled=lambda data: data[:1]),
        Embeds(spoiled=lambda data: [*data, data[0]]),
        Embeds(spoiled=lambda data: [data[0], data[0]]),
        every(index=7),
        every(index=None),
        every(index=[1]),
        every(embedding=[]),
        every(embedding=None),
        every(embedding="no base64!"),
        every(embedding="AAAA"),
        every(embedding=""),
        every(embedding=[[1.0, 2.0]]),
        every(embedding=["a", "b"]),
        every(embedding={"a": 1}),
        every(embedding=[0.0, 0.0]),
        every(embedding=[1e300, 1.0]),
        every(embedding="AADAfwAAgD8="),  # nan, 1
        first(embedding=[1.0, 2.0]),
    ],
)
async def test_garbage_is_no_vector(embedder: ServiceEmbedder, provider: Provider, behaviour: Behaviour) -> None:
    provider.embeddings.will(behaviour)
    await problem_of(embedder, "hello", "again")
    assert len(provider.embeddings.calls) == 1
    np.testing.assert_allclose(await embedder.embed_passages(["hello"]), expected("hello"), atol=1e-6)


async def test_numbers_of_any_greatness_become_length_one(embedder: ServiceEmbedder, provider: Provider) -> None:
    for numbers in ([3e30, 4e30], [3e-30, 4e-30], [3, 4]):
        provider.embeddings.will(every(embedding=numbers))
        np.testing.assert_allclose(await embedder.embed_passages(["hello"]), [[0.6, 0.8]], atol=1e-6)


async def test_vectors_of_one_call_are_of_one_size(embedder: ServiceEmbedder, provider: Provider) -> None:
    provider.embeddings.will(Embeds(dimensions=256), Embeds(dimensions=128))
    await problem_of(embedder, *(f"text {number}" for number in range(40)))


async def test_an_endless_body_is_not_read(
    connect_embedder: ConnectEmbedder, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "LONGEST_BODY", 100_000)
    long = b'{"data": [{"embedding": [1, 2]}]}' + b" " * 200_000
    await problem_of(connect_embedder(await serve(http(long))))


async def test_calls_go_side_by_side(embedder: ServiceEmbedder, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.embeddings.will(Embeds(gate=gate), Embeds(gate=gate))
    both = asyncio.gather(embedder.embed_questions(["a"]), embedder.embed_questions(["b"]))
    await provider.embeddings.called(times=2)
    gate.set()
    assert [len(vectors) for vectors in await both] == [1, 1]


async def test_logs_tell_why_but_not_what_was_asked(embedder: ServiceEmbedder, provider: Provider) -> None:
    provider.embeddings.will(Fails(401, message="the key sk-secret is wrong for: my text"))
    with structlog.testing.capture_logs() as logs:
        await problem_of(embedder, "my text")
    (line,) = logs
    assert (line["embedder"], line["outcome"], line["reason"]) == (
        "mine:model",
        "denied",
        "status 401 (invalid_api_key)",
    )
    assert "my text" not in str(logs)
