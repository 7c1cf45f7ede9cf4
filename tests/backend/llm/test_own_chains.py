"""A bot's own chain of models."""

from collections.abc import AsyncIterator

import pytest

from backend.llm import ChatMessage, Llm, Purpose
from backend.llm.catalog import read_chain
from tests.simulators.provider import Fails, Provider

HELLO = [ChatMessage("user", "Hello")]


@pytest.fixture
async def other() -> AsyncIterator[Provider]:
    async with Provider() as other:
        yield other


@pytest.fixture
async def llm(provider: Provider, other: Provider) -> AsyncIterator[Llm]:
    variables = {"FIRST_BASE_URL": provider.base_url, "OTHER_BASE_URL": other.base_url}
    chain = read_chain("first:usual", variables)
    llm = Llm({Purpose.CHAT: chain}, time_limit=5, read=lambda chain: read_chain(chain, variables))
    yield llm
    await llm.close()


async def test_a_bot_with_a_chain_of_its_own_is_answered_by_it(llm: Llm, provider: Provider, other: Provider) -> None:
    completion = await llm.complete(Purpose.CHAT, HELLO, chain="other:own,first:usual")
    assert (completion.provider, completion.model) == ("other", "own")
    assert provider.calls == []
    other.will(Fails(401))
    assert (await llm.complete(Purpose.CHAT, HELLO, chain="other:own,first:usual")).provider == "first"


@pytest.mark.parametrize("chain", ["", "nobody:known", "no provider", "openai:gpt-5"])
async def test_where_its_chain_cannot_be_used_the_usual_one_answers(llm: Llm, chain: str) -> None:
    for _ in range(2):
        assert (await llm.complete(Purpose.CHAT, HELLO, chain=chain)).provider == "first"
        assert [provider.name for provider in llm.chain(Purpose.CHAT, chain)] == ["first"]


async def test_a_provider_is_the_same_in_every_chain(llm: Llm, provider: Provider) -> None:
    (usual,) = llm.chain(Purpose.CHAT)
    assert usual in llm.chain(Purpose.CHAT, "other:own,first:usual")
    provider.will(Fails(429, retry_after=3600))
    completion = await llm.complete(Purpose.CHAT, HELLO, chain="first:usual,other:own")
    assert (completion.provider, [call.provider for call in completion.calls]) == ("other", ["first", "other"])
    assert len(provider.calls) == 1
    await llm.complete(Purpose.CHAT, HELLO, chain="first:usual,other:second")
    assert len(provider.calls) == 1
