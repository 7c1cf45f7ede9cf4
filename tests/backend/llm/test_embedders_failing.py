"""An embedding service that fails or refuses: who is asked again, when, and with what."""

import time

import numpy as np
import pytest

from backend.llm.embedder import EmbedderUnavailable
from backend.llm.embedding import service
from backend.llm.embedding.service import ServiceEmbedder
from tests.backend.llm.conftest import ConnectEmbedder
from tests.backend.llm.vectors import expected, problem_of
from tests.simulators.provider import Cuts, Fails, Hangs, Provider
from tests.simulators.provider_behaviours import Behaviour


@pytest.mark.parametrize("failure", [Fails(500), Fails(503), Fails(429), Fails(408), Cuts(0), Cuts(3)])
async def test_a_short_failure_is_not_noticed(
    embedder: ServiceEmbedder, provider: Provider, failure: Behaviour
) -> None:
    provider.embeddings.will(failure, failure)
    np.testing.assert_allclose(await embedder.embed_passages(["hello"]), expected("hello"), atol=1e-6)
    assert len(provider.embeddings.calls) == 3


@pytest.mark.parametrize("status", [401, 402, 404])
async def test_who_denies_is_not_asked_again(embedder: ServiceEmbedder, provider: Provider, status: int) -> None:
    provider.embeddings.will(Fails(status))
    await problem_of(embedder)
    assert len(provider.embeddings.calls) == 1


async def test_a_provider_says_when_to_come_back(embedder: ServiceEmbedder, provider: Provider) -> None:
    provider.embeddings.will(Fails(429, retry_after=1))
    await embedder.embed_passages(["hello"])
    refused, answered = provider.embeddings.calls
    assert answered.at - refused.at >= 1


async def test_who_says_to_come_back_too_late_is_not_waited_for(embedder: ServiceEmbedder, provider: Provider) -> None:
    provider.embeddings.will(Fails(429, retry_after=900))
    problem = await problem_of(embedder)
    assert problem.retry_after == pytest.approx(900, abs=5)
    await problem_of(embedder, "another")
    assert len(provider.embeddings.calls) == 1


async def test_who_keeps_failing_is_left_alone(embedder: ServiceEmbedder, provider: Provider) -> None:
    provider.embeddings.usual = Fails(500)
    problem = await problem_of(embedder)
    assert problem.retry_after == pytest.approx(15, abs=2)
    await problem_of(embedder)
    assert len(provider.embeddings.calls) == 3


async def test_nobody_waits_for_one_who_hangs(
    connect_embedder: ConnectEmbedder, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "QUESTION_SECONDS", 0.2)
    embedder = connect_embedder(provider.base_url)
    provider.embeddings.will(Hangs())
    began = time.monotonic()
    with pytest.raises(EmbedderUnavailable):
        await embedder.embed_questions(["hello"])
    assert time.monotonic() - began >= 0.2
    assert len(await embedder.embed_questions(["hello"])) == 1


async def test_a_closed_port_is_unavailable(embedder: ServiceEmbedder, provider: Provider) -> None:
    async with provider.unreachable():
        await problem_of(embedder)


async def test_a_batch_that_is_refused_is_halved(embedder: ServiceEmbedder, provider: Provider) -> None:
    provider.embeddings.most_texts = 8
    texts = [f"text {number}" for number in range(20)]
    np.testing.assert_allclose(await embedder.embed_passages(texts), expected(*texts), atol=1e-6)
    assert [len(sent) for sent in provider.embeddings.texts if len(sent) <= 8] == [5, 5, 5, 5]


async def test_a_text_that_is_refused_is_cut(embedder: ServiceEmbedder, provider: Provider) -> None:
    provider.embeddings.longest_text = 3_000
    texts = ["short", "word " * 2_000, "another"]
    vectors = await embedder.embed_passages(texts)
    np.testing.assert_allclose(vectors, expected("short", texts[1][:2_500], "another"), atol=1e-6)


async def test_a_passage_that_is_refused_in_any_length_does_not_hold_up_the_others(
    embedder: ServiceEmbedder, provider: Provider
) -> None:
    provider.embeddings.refused_word = "forbidden"
    vectors = await embedder.embed_passages(["one", "forbidden " * 200, "two", "forbidden"])
    np.testing.assert_allclose(vectors, expected("one", ".", "two", "."), atol=1e-6)


async def test_a_question_that_is_refused_has_no_vector(embedder: ServiceEmbedder, provider: Provider) -> None:
    provider.embeddings.refused_word = "forbidden"
    with pytest.raises(EmbedderUnavailable):
        await embedder.embed_questions(["forbidden"])
    assert len(await embedder.embed_questions(["allowed"])) == 1


async def test_who_refuses_everything_is_not_asked_for_ever(embedder: ServiceEmbedder, provider: Provider) -> None:
    provider.embeddings.usual = Fails(400)
    for _ in range(3):
        await problem_of(embedder, *["word " * 3_000] * 40)
    asked = len(provider.embeddings.calls)
    assert asked < 3 * 25
    problem = await problem_of(embedder)
    assert problem.retry_after == pytest.approx(15, abs=5)
    assert len(provider.embeddings.calls) == asked
