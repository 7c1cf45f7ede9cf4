"""A long conversation while the worker summarizes: no prompt ever lacks a message, or holds one twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from backend.memory.recollection import FRAME, NOTHING
from backend.memory.window import EARLIER, PERSONA
from tests.faults.house import House
from tests.faults.people import Person
from tests.faults.scribe import calls_about, marks, marks_of, note, take_notes
from tests.processes import WorkerProcess
from tests.simulators.provider import Answer

TURNS = 60


@pytest.mark.usefixtures("worker")
async def test_every_message_is_in_summary_or_window_whenever_the_model_is_asked(house: House, anna: Person) -> None:
    """Two notes at a time: the second waits in the other backend for the answer to the first."""
    await house.worker.answers()
    house.provider.rule = lambda body: Answer(delay=0.05)
    for number in range(1, TURNS, 2):
        asking = asyncio.ensure_future(anna.asks(house.first, note(number, anna)))
        await house.tables.accepted(anna, number)
        told = await anna.asks(house.second, note(number + 1, anna))
        assert (await asking).text == f"You said: {note(number, anna)}"
        assert told.text == f"You said: {note(number + 1, anna)}"
    prompts = [call.messages for call in calls_about(anna, house.provider)]
    assert [marks(prompt) for prompt in prompts] == [marks_of(turn) for turn in range(TURNS)]
    for prompt in prompts:
        assert_order(prompt)
    versions = await house.tables.versions(anna)
    assert versions == list(range(1, len(versions) + 1))
    assert len(versions) >= 3, "too few summaries to show anything"


@pytest.fixture
async def folds_all(house: House) -> AsyncIterator[WorkerProcess]:
    """A worker that leaves nothing verbatim, instead of the usual one; it does not run yet."""
    await house.worker.kill()
    worker = WorkerProcess(house.environment | {"SHORT_HISTORY_LIMIT": "0"}, house.logs)
    yield worker
    await worker.kill()


async def test_a_summary_made_amid_turns_does_not_reach_over_their_answers(
    house: House, folds_all: WorkerProcess, anna: Person
) -> None:
    await take_notes(anna, house.first, 6)
    gate = asyncio.Event()
    house.provider.will(Answer(gate=gate))
    asking = []
    for number in (7, 8):
        asking.append(asyncio.ensure_future(anna.asks(house.first, note(number, anna))))
        await house.tables.accepted(anna, number)
    await folds_all.revive()
    await house.tables.summarized(anna)
    gate.set()
    assert {(await told).status for told in asking} == {200}
    await anna.says(house.second, note(9, anna))
    assert marks(calls_about(anna, house.provider)[-1].messages) == marks_of(8)


@pytest.mark.usefixtures("worker")
async def test_a_summary_that_was_due_too_early_comes_with_the_next_turn(house: House, anna: Person) -> None:
    """Messages that wait are counted before they can be folded in."""
    await take_notes(anna, house.first, 4)
    gates = {note(number, anna): asyncio.Event() for number in range(5, 10)}
    house.provider.rule = lambda body: Answer(gate=gates[body["messages"][-1]["content"]])
    asking = []
    for number, text in enumerate(gates, 5):
        asking.append(asyncio.ensure_future(anna.asks(house.first, text)))
        await house.tables.accepted(anna, number)
    for told, gate in zip(asking, gates.values(), strict=True):
        gate.set()
        assert (await told).status == 200
    await house.tables.summarized(anna)


@pytest.mark.usefixtures("worker")
async def test_a_long_persona_pushes_no_message_out(house: House, anna: Person) -> None:
    """It takes two thirds of the window, and each turn a sixteenth."""
    await house.tables.add_bot("chatterbox", "word " * 11_000)
    anna = replace(anna, bot="chatterbox")
    for number in range(1, 11):
        assert (await anna.asks(house.first, note(number, anna) + " word" * 480)).status == 200
        await house.tables.summary_settled(anna)
    prompts = [marks(call.messages) for call in calls_about(anna, house.provider)]
    assert prompts == [marks_of(turn) for turn in range(10)]


def assert_order(prompt: list[dict[str, str]]) -> None:
    """What is stable comes first: persona, summary, history, what memory found, the time, and the newest message."""
    persona, *rest = [(message["role"], message["content"]) for message in prompt]
    assert persona == ("system", PERSONA)
    if rest[0][0] == "system" and rest[0][1].startswith(EARLIER):
        rest = rest[1:]
    *history, (role, time), newest = rest
    if history and history[-1][0] == "system":
        recollection = history.pop()[1]
        assert recollection == NOTHING or FRAME in recollection
    assert (role, time[:6], newest[0]) == ("system", "It is ", "user")
    assert [role for role, _ in history] == ["user", "assistant"] * (len(history) // 2)
