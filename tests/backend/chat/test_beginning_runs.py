"""A turn that asks for a run: the run begins with the turn's end, once, or not at all."""

import asyncio
from dataclasses import dataclass

import pytest
from aiohttp import web

from backend.bootstrap import Backend
from backend.chat.delivering import LeftToHuman, Merged, Restarted
from tests.backend.chat.conversation import Person
from tests.backend.chat.test_delivering import heard, let_no_second_pass, sends, statuses, to_deliver
from tests.backend.chat.test_interrupting import HERE
from tests.backend.gateway.errands import LOOK_UP, give_agent, routes, runs, steps
from tests.conftest import MakeBackend, RecordedJobs
from tests.processes import until
from tests.simulators.provider import Behaviour, Call, Provider
from tests.simulators.provider_tools import CallsTool

ASKS = CallsTool("RESEARCHER", LOOK_UP)
ON_IT = "I am on it: Find out when the museum opens."


@dataclass(frozen=True, slots=True)
class Held:
    """Does something once its gate is set."""

    gate: asyncio.Event
    then: Behaviour

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        await self.gate.wait()
        return await self.then.perform(request, call)


@pytest.fixture
async def anna(backend: Backend) -> Person:
    await give_agent(backend)
    return Person(backend)


async def test_it_is_delivered_as_one_card(anna: Person, provider: Provider, jobs: RecordedJobs) -> None:
    provider.will(ASKS)
    shown, delivery = await sends(anna, "When does the museum open?")
    [run], [step] = await runs(anna.backend), await steps(anna.backend)
    assert (shown, delivery["text"], delivery["kind"]) == (ON_IT, ON_IT, "run")
    kept = await anna.backend.db.run("select kind, turn_id, run_id, content from deliveries")
    assert [tuple(row) for row in kept] == [("run", delivery["turn_id"], run["id"], None)]
    assert jobs.advanced == [("default", step["id"])]


async def test_what_is_stopped_while_it_is_decided_begins_nothing(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Held(gate, ASKS))
    underway = await anna.backend.chat.accept(to_deliver(anna, "Look it up"))
    await provider.called()
    assert await anna.backend.chat.stop(HERE) == 1
    _, delivery = await heard(anna, underway)
    gate.set()
    assert (delivery["kind"], delivery["stopped"], delivery["text"]) == ("answer", True, "")
    assert (await statuses(anna), await runs(anna.backend)) == (["stopped"], [])


async def test_what_is_stopped_at_the_last_moment_begins_nothing(
    anna: Person, provider: Provider, jobs: RecordedJobs
) -> None:
    """It was decided, and is just being recorded: the statement waits for the session, then the turn is stopped."""
    provider.will(ASKS)
    await anna.says("Look it up")
    await anna.backend.db.run("truncate agent_runs cascade")
    gate = asyncio.Event()
    provider.will(Held(gate, ASKS))
    underway = await anna.backend.chat.accept(to_deliver(anna, "Look it up once more"))
    await provider.called(2)
    holding = await anna.backend.db.connect()
    try:
        async with holding.transaction():
            await holding.fetch("select from chat_sessions for update")
            gate.set()
            await until(lambda: somebody_waits(anna))
            assert await anna.backend.chat.stop(HERE) == 1
        _, delivery = await heard(anna, underway)
    finally:
        await holding.close()
    assert (delivery["kind"], delivery["stopped"], delivery["text"]) == ("answer", True, "")
    assert (await statuses(anna), await runs(anna.backend), len(jobs.advanced)) == (["answered", "stopped"], [], 1)


async def somebody_waits(anna: Person, how_many: int = 1) -> bool:
    waiting = await anna.backend.db.run("select from pg_stat_activity where wait_event_type = 'Lock'")
    return len(waiting) >= how_many


async def test_of_messages_in_several_chats_at_once_no_more_begin_runs_than_a_person_may_have(
    make_backend: MakeBackend, provider: Provider, jobs: RecordedJobs
) -> None:
    """All was decided, and is just being recorded: the statements wait, and then go on at the same moment."""
    backend, gate = await make_backend(max_runs_per_user=1), asyncio.Event()
    people = [Person(backend, chat_id=chat) for chat in ("one", "two", "three")]
    for person in people:
        await person.says("Hello")
    await give_agent(backend)
    provider.will(*[Held(gate, ASKS)] * 3)
    holding = await backend.db.connect()
    try:
        async with asyncio.TaskGroup() as group, holding.transaction():
            turns = [group.create_task(sends(person, "Look it up")) for person in people]
            await provider.called(6)
            await holding.fetch("select from chat_sessions for update")
            gate.set()
            await until(lambda: somebody_waits(people[0], 3))
    finally:
        await holding.close()
    told = sorted(turn.result()[0] for turn in turns)
    assert told == [ON_IT, *[told[1]] * 2]
    assert told[1].startswith("One task is under way already")
    assert sorted((d["kind"], d["text"]) for _, d in (turn.result() for turn in turns)) == [
        ("answer", told[1]), ("answer", told[1]), ("run", ON_IT),
    ]  # fmt: skip
    assert (len(await runs(backend)), len(jobs.advanced)) == (1, 1)
    assert sorted(decided["outcome"] for decided in await routes(backend)) == ["followed"] + ["too-many-runs"] * 2


async def test_a_turn_that_another_one_adopts_begins_one_run(anna: Person, provider: Provider) -> None:
    first, second = asyncio.Event(), asyncio.Event()
    provider.will(Held(first, ASKS), Held(second, ASKS))
    underway = await anna.backend.chat.accept(to_deliver(anna, "Look it up"))
    await provider.called()
    await anna.backend.db.run("update turns set owner = 0")
    followed = aiter(anna.backend.chat.follow(underway))
    assert isinstance(await anext(followed), Restarted)
    await provider.called(2)
    first.set()
    second.set()
    [*_, delivery] = [told async for told in followed]
    assert not isinstance(delivery, str | Restarted | Merged | LeftToHuman)
    assert delivery["kind"] == "run"
    [run], [decided] = await runs(anna.backend), await routes(anna.backend)
    assert run["turn_id"] == decided["turn_id"] == underway.turn_id


async def test_what_was_said_in_one_breath_begins_one_run(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Held(gate, ASKS), ASKS)
    first = await anna.backend.chat.accept(to_deliver(anna, "Look it up"))
    await provider.called()
    await let_no_second_pass(anna)
    _, delivery = await sends(anna, "when the museum opens")
    gate.set()
    assert isinstance((await heard(anna, first))[1], Merged)
    [run] = await runs(anna.backend)
    assert (run["turn_id"], delivery["kind"]) == (delivery["turn_id"], "run")


async def test_a_corrected_message_begins_the_run_of_its_new_words(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Held(gate, ASKS), ASKS)
    underway = await anna.backend.chat.accept(to_deliver(anna, "Look it up", "k"))
    await provider.called()
    key = to_deliver(anna, "", "k").key
    assert key
    assert await anna.backend.chat.edit(key, "Look up the museum")
    assert (await heard(anna, underway))[1]["kind"] == "run"
    gate.set()
    [run] = await runs(anna.backend)
    assert run["request"] == "Look up the museum"


async def test_it_goes_with_the_person_who_is_forgotten(anna: Person, provider: Provider) -> None:
    provider.will(ASKS)
    await sends(anna, "Look it up")
    await anna.backend.memory.forget("anna", None)
    assert (await runs(anna.backend), await steps(anna.backend)) == ([], [])
