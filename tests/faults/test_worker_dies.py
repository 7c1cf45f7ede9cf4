"""Summaries when workers are killed, when two are at the same one, and when one fails."""

import asyncio

import pytest

from backend.jobs import Job
from tests.faults.house import SHORT_HISTORY, SUMMARY_THRESHOLD, House
from tests.faults.people import Person
from tests.faults.scribe import Recorded, about, called_about, calls_about, marks, marks_of, note, take_notes
from tests.processes import until
from tests.simulators.provider import Answer, Behaviour, Fails

pytestmark = pytest.mark.usefixtures("worker")

# So many turns make a summary due; it folds in all but what stays verbatim.
TURNS = SUMMARY_THRESHOLD // 2


async def notes_till_summary(person: Person, house: House) -> asyncio.Event:
    """The gate that holds the summary back, once a worker is at it."""
    gate = asyncio.Event()
    house.scribe.rule = about(person, Recorded(gate))
    await take_notes(person, house.first, TURNS)
    await called_about(person, house.scribe)
    return gate


async def is_unchanged(person: Person, house: House) -> bool:
    """No summary is stored, and it is still wanted."""
    session = await house.tables.session(person)
    counted = session["messages_since_summary"] == SUMMARY_THRESHOLD
    return counted and session["summary_asked_at"] is not None and not await house.tables.versions(person)


async def is_summarized_once(person: Person, house: House) -> bool:
    """One version is stored, the counter has fallen, and the next prompt holds everything once."""
    session = await house.tables.session(person)
    fallen = session["messages_since_summary"] == SHORT_HISTORY and session["summary_asked_at"] is None
    await person.says(house.first, note(TURNS + 1, person))
    assert marks(calls_about(person, house.provider)[-1].messages) == marks_of(TURNS)
    return fallen and await house.tables.versions(person) == [1]


async def test_a_killed_pool_process_is_replaced_and_the_summary_made(house: House, anna: Person) -> None:
    gate = await notes_till_summary(anna, house)
    await house.worker.kill_busy()
    gate.set()
    await house.tables.summarized(anna)
    assert await is_summarized_once(anna, house)
    assert len(calls_about(anna, house.scribe)) == 2


async def test_after_a_killed_worker_the_sweep_makes_the_summary(house: House, anna: Person) -> None:
    gate = await notes_till_summary(anna, house)
    await house.worker.kill()
    gate.set()
    assert await is_unchanged(anna, house)
    await house.sweep_up(anna)
    assert await is_summarized_once(anna, house)


async def test_two_workers_at_one_summary_store_it_once(house: House, anna: Person) -> None:
    async def both_are_done() -> bool:
        return await house.tables.summary_calls(anna) == ["answered", "answered"]

    gate = await notes_till_summary(anna, house)
    await house.worker.ring(Job.SUMMARIZE_SESSION, (await house.tables.session(anna))["id"])
    await called_about(anna, house.scribe, 2)
    assert await is_unchanged(anna, house)
    gate.set()
    await until(both_are_done)
    assert await is_summarized_once(anna, house)


FAILURES = {"refused": Fails(400), "unavailable": Fails(500), "no story": Answer("STORY\n\nFACTS\n")}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_a_failed_summary_changes_nothing_and_is_tried_again(
    house: House, anna: Person, failure: Behaviour
) -> None:
    house.scribe.rule = about(anna, failure)
    await take_notes(anna, house.first, TURNS)
    await until(lambda: house.tables.summary_calls(anna))
    assert await is_unchanged(anna, house)
    house.scribe.rule = lambda body: None
    await house.sweep_up(anna)
    assert await is_summarized_once(anna, house)
