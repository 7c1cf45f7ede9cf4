"""The broker is killed: turns do not need it, and summaries come afterwards."""

import asyncio

import pytest

from tests.faults.house import House
from tests.faults.people import Person
from tests.faults.scribe import Recorded, about, called_about, calls_about, marks, marks_of, note, take_notes

pytestmark = pytest.mark.usefixtures("worker")


async def test_turns_go_on_without_the_broker_and_the_summary_comes_afterwards(house: House, anna: Person) -> None:
    await take_notes(anna, house.first, 5)
    async with house.broker_away():
        await take_notes(anna, house.first, 8, since=6)
        async with anna.http.get(f"{house.first.url}/health/ready") as response:
            ready = await response.json()
        assert (response.status, ready["parts"]["broker"]["ok"]) == (200, False)
        assert await house.tables.versions(anna) == []
    await house.sweep_up(anna)
    await anna.says(house.first, note(9, anna))
    assert marks(calls_about(anna, house.provider)[-1].messages) == marks_of(8)
    assert await house.tables.versions(anna) == [1]


async def test_a_summary_under_way_is_neither_lost_with_the_broker_nor_made_twice(house: House, anna: Person) -> None:
    gate = asyncio.Event()
    house.scribe.rule = about(anna, Recorded(gate))
    await take_notes(anna, house.first, 6)
    await called_about(anna, house.scribe)
    async with house.broker_away():
        await take_notes(anna, house.first, 7, since=7)
        await asyncio.sleep(1)  # so that the worker notices
    gate.set()
    await house.sweep_up(anna)
    await anna.says(house.first, note(8, anna))
    assert marks(calls_about(anna, house.provider)[-1].messages) == marks_of(7)
    assert await house.tables.versions(anna) == [1]
