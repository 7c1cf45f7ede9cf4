"""A backend is killed, or told to stop, after it has said that a message will be answered: it is."""

import asyncio

import pytest

from tests.faults.house import House
from tests.faults.people import Person
from tests.processes import BackendProcess, in_time
from tests.simulators.provider import Answer, Fails

pytestmark = pytest.mark.usefixtures("no_worker")

DONE = [("answer", "You said: one"), ("answer", "You said: two"), ("answer", "You said: three")]


async def send_three(house: House, anna: Person, backend: BackendProcess) -> asyncio.Event:
    """Three messages, each in a breath of its own, of which the model is asked the first; the gate holds it back."""
    gate = asyncio.Event()
    house.provider.rule = lambda body: Answer(gate=gate) if body["messages"][-1]["content"] == "one" else None
    for number, text in enumerate(["one", "two", "three"], 1):
        (await anna.sends(backend, text, text)).close()
        await house.tables.accepted(anna, number)
        await house.tables.let_a_second_pass(anna)
    await in_time(house.provider.called())
    return gate


async def ends(house: House, anna: Person, count: int) -> list[tuple[str, str]]:
    return [(row["kind"], row["text"]) for row in await house.tables.delivered(anna, count)]


async def test_what_a_killed_backend_has_accepted_another_one_answers_in_order(house: House, anna: Person) -> None:
    gate = await send_three(house, anna, house.first)
    await house.first.kill()
    gate.set()
    assert await ends(house, anna, 3) == DONE
    assert await house.tables.said(anna) == ["one", "You said: one", "two", "You said: two", "three", "You said: three"]


async def test_what_a_killed_backend_has_accepted_it_answers_itself_when_it_is_back(house: House, anna: Person) -> None:
    gate = await send_three(house, anna, house.first)
    await asyncio.gather(house.first.kill(), house.second.kill())
    gate.set()
    await house.first.start()
    assert await ends(house, anna, 3) == DONE


async def test_what_a_backend_that_is_told_to_stop_has_not_finished_another_one_answers(
    house: House, anna: Person
) -> None:
    gate = await send_three(house, anna, house.first)
    await house.first.ask_to_stop()
    await house.first.ended()
    gate.set()
    assert await ends(house, anna, 3) == DONE
    assert [row["status"] for row in await house.tables.turns(anna)] == ["answered"] * 3


async def test_what_was_tried_too_often_ends_as_a_problem(house: House, anna: Person) -> None:
    gate = await send_three(house, anna, house.first)
    await house.tables.spend_attempts(anna, 5)
    await house.first.kill()
    gate.set()
    assert await ends(house, anna, 3) == [("problem", "/problems/turn-interrupted")] * 3


async def test_killed_again_and_again_it_is_answered_once(house: House, anna: Person) -> None:
    gate = await send_three(house, anna, house.first)
    for killed, other in ((house.first, house.second), (house.second, house.first)):
        calls = len(house.provider.calls)
        await killed.kill()
        await in_time(house.provider.called(calls + 1))
        if other is house.second:
            await killed.start()
    gate.set()
    assert await ends(house, anna, 3) == DONE
    assert [role for role, _ in await house.tables.transcript(anna)] == ["user", "assistant"] * 3


async def test_an_end_that_postgres_missed_is_found_again(house: House, anna: Person) -> None:
    gate = asyncio.Event()
    house.provider.will(Answer("never recorded", gate=gate))
    (await anna.sends(house.first, "one", "one")).close()
    await in_time(house.provider.called())
    async with house.postgres_away():
        gate.set()
    [end] = await ends(house, anna, 1)
    assert end in [("answer", "never recorded"), ("answer", "You said: one")]
    assert [role for role, _ in await house.tables.transcript(anna)] == ["user", "assistant"]


async def test_a_problem_is_delivered_by_whoever_meets_it(house: House, anna: Person) -> None:
    gate = await send_three(house, anna, house.first)
    house.provider.rule = lambda body: Fails(400)
    await house.first.kill()
    gate.set()
    assert await ends(house, anna, 3) == [("problem", "/problems/no-provider-answered")] * 3
