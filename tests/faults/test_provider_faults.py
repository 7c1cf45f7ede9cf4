"""Providers that hang, fail, talk nonsense or stop amid a word: the next one answers, or a problem comes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.faults.house import House
from tests.faults.people import Person, events_of
from tests.processes import BackendProcess
from tests.simulators.provider import (
    BROKEN_JSON,
    OTHER_SHAPE,
    WEB_PAGE,
    Answer,
    Behaviour,
    Breaks,
    Cuts,
    Fades,
    Fails,
    Hangs,
    Provider,
)

# Before a word of an answer was seen.
MUTE = {
    "hangs": Hangs(),
    "429": Fails(429),
    "500": Fails(500),
    "400": Fails(400),
    "broken json": BROKEN_JSON,
    "other shape": OTHER_SHAPE,
    "web page": WEB_PAGE,
    "cut": Cuts(after=0),
    "empty": Answer(""),
}
# After some pieces of a stream.
HALF = {"hangs": Hangs(after=2), "cut": Cuts(after=3), "fades": Fades(after=3), "breaks": Breaks(after=3)}


@dataclass(frozen=True, slots=True)
class Chains:
    """One backend asks the house's provider and then a spare one; the other has nobody else to ask."""

    chained: BackendProcess
    alone: BackendProcess
    spare: Provider


@pytest.fixture(scope="module")
async def chains(opened: House) -> AsyncIterator[Chains]:
    async with Provider(usual=Answer("from the spare one")) as spare:
        chained = opened.backend(
            "chained",
            LLM_CHAIN="stub:simulated,spare:simulated",
            SPARE_BASE_URL=spare.base_url,
            LLM_TIMEOUT_SECONDS="2",
        )
        alone = opened.backend("alone", LLM_TIMEOUT_SECONDS="2")
        await asyncio.gather(chained.start(), alone.start())
        yield Chains(chained, alone, spare)
        await asyncio.gather(chained.kill(), alone.kill())


@pytest.mark.parametrize("fault", MUTE.values(), ids=MUTE)
async def test_the_next_of_the_chain_answers(house: House, chains: Chains, anna: Person, fault: Behaviour) -> None:
    house.provider.rule = lambda body: fault
    told = await anna.asks(chains.chained, "plain")
    assert (told.text, told.body["model"]) == ("from the spare one", "spare:simulated")
    events = await events_of(await anna.streams(chains.chained, "streamed"))
    assert "".join(data["text"] for name, data in events if name == "delta") == "from the spare one"
    assert (events[-1][0], events[-1][1]["text"]) == ("done", "from the spare one")
    await is_well_again(anna, chains.chained, house)
    assert await house.tables.said(anna) == [
        "plain", "from the spare one", "streamed", "from the spare one", "still there?", "You said: still there?",
    ]  # fmt: skip


@pytest.mark.parametrize("fault", MUTE.values(), ids=MUTE)
async def test_a_problem_comes_when_nobody_answers(
    house: House, chains: Chains, anna: Person, fault: Behaviour
) -> None:
    house.provider.rule = lambda body: fault
    told = await anna.asks(chains.alone, "plain", "the key")
    assert (told.status, told.body["type"]) == (503, "/problems/no-provider-answered")
    assert told.retry_after
    await is_well_again(anna, chains.alone, house)
    assert (await anna.asks(chains.alone, "plain", "the key")).text == "You said: plain"
    assert await house.tables.said(anna) == ["still there?", "You said: still there?", "plain", "You said: plain"]


@pytest.mark.parametrize("fault", HALF.values(), ids=HALF)
async def test_half_a_stream_ends_in_a_problem_and_the_whole_comes_with_the_same_key(
    house: House, chains: Chains, anna: Person, fault: Behaviour
) -> None:
    house.provider.rule = lambda body: fault
    events = await events_of(await anna.streams(chains.chained, "streamed", "the key"))
    assert [name for name, _ in events[:-1]] == ["delta"] * (len(events) - 1)
    assert (events[-1][0], events[-1][1]["type"]) == ("problem", "/problems/no-provider-answered")
    await is_well_again(anna, chains.chained, house)
    assert (await anna.asks(chains.chained, "streamed", "the key")).text == "You said: streamed"
    assert (await house.tables.said(anna))[2:] == ["streamed", "You said: streamed"]


async def is_well_again(person: Person, backend: BackendProcess, house: House) -> None:
    house.provider.rule = lambda body: None
    assert (await person.asks(backend, "still there?")).text == "You said: still there?"
