"""A person stops an answer at another backend than the one that writes it, which may even be dead."""

import asyncio

import pytest

from tests.faults.house import House
from tests.faults.people import Person, events_of
from tests.faults.test_two_backends import Pauses
from tests.processes import in_time
from tests.simulators.provider import Answer

pytestmark = pytest.mark.usefixtures("no_worker")


async def test_another_backend_stops_what_is_being_written(house: House, anna: Person) -> None:
    house.provider.will(Pauses("written so far, and no further", asyncio.Event()))
    response = await anna.sends(house.first, "Hello", "the key")
    assert (await in_time(response.content.readuntil(b"\n\n"))).startswith(b"event: delta")
    assert await anna.stops(house.second) == 1
    name, delivery = (await events_of(response))[-1]
    assert (name, delivery["kind"], delivery["stopped"]) == ("delivery", "answer", True)
    assert "written so far, and no further".startswith(delivery["text"])
    assert await house.tables.said(anna) == ["Hello", delivery["text"]]


async def test_what_was_to_be_stopped_when_its_backend_died_is_not_answered_by_another(
    house: House, anna: Person
) -> None:
    gate = asyncio.Event()
    house.provider.will(Answer(gate=gate))
    (await anna.sends(house.first, "Hello", "the key")).close()
    await in_time(house.provider.called())
    house.first.freeze()
    assert await anna.stops(house.second) == 1
    await house.first.kill()
    [end] = await house.tables.delivered(anna, 1)
    gate.set()
    assert (end["kind"], end["text"]) == ("answer", None)
    assert [row["status"] for row in await house.tables.turns(anna)] == ["stopped"]
