"""The backend is killed, or told to stop, in the middle of a turn."""

import asyncio

import pytest
from aiohttp import ClientError

from tests.faults.house import House
from tests.faults.people import Person, Told
from tests.processes import BackendProcess, in_time
from tests.simulators.provider import Answer

pytestmark = pytest.mark.usefixtures("no_worker")


async def ask_at_gate(
    person: Person, backend: BackendProcess, text: str, house: House
) -> tuple[asyncio.Future[Told], asyncio.Event]:
    """The request, once the model is asked, and the gate that holds the model's answer back."""
    gate = asyncio.Event()
    house.provider.rule = lambda body: Answer(gate=gate) if body["messages"][-1]["content"] == text else None
    asking = asyncio.ensure_future(person.asks(backend, text, f"key of {text}"))
    await in_time(house.provider.called())
    return asking, gate


async def kill(backend: BackendProcess, asking: asyncio.Future[Told]) -> None:
    await backend.kill()
    with pytest.raises(ClientError):
        await asking


async def test_a_killed_backend_holds_nobody_up(house: House, anna: Person) -> None:
    asking, gate = await ask_at_gate(anna, house.first, "one", house)
    waiting = []
    for number, text in enumerate(["two", "three"], 2):
        waiting.append(asyncio.ensure_future(anna.asks(house.second, text)))
        await house.tables.accepted(anna, number)
    await kill(house.first, asking)
    assert [(await told).text for told in waiting] == ["You said: two", "You said: three"]
    gate.set()
    await house.first.start()
    assert await anna.says(house.first, "one", "key of one") == "You said: one"
    assert await house.tables.said(anna) == [
        "two", "You said: two", "three", "You said: three", "one", "You said: one",
    ]  # fmt: skip


async def test_a_key_gets_exactly_one_answer_after_a_restart(house: House, anna: Person) -> None:
    asking, gate = await ask_at_gate(anna, house.first, "one", house)
    await kill(house.first, asking)
    gate.set()
    await house.first.start()
    both = (house.first, house.second)
    answers = await asyncio.gather(*(anna.says(both[n % 2], "one", "key of one") for n in range(6)))
    assert answers == ["You said: one"] * 6
    assert await house.tables.transcript(anna) == [("user", "one"), ("assistant", "You said: one")]
    assert len(house.provider.calls) == 2


async def test_who_waited_in_a_killed_backend_holds_nobody_up(house: House, anna: Person) -> None:
    answered, gate = await ask_at_gate(anna, house.second, "one", house)
    waiting = asyncio.ensure_future(anna.asks(house.first, "two", "key of two"))
    await house.tables.accepted(anna, 2)
    await kill(house.first, waiting)
    gate.set()
    assert (await answered).text == "You said: one"
    assert (await anna.asks(house.second, "three")).text == "You said: three"
    await house.first.start()
    assert await anna.says(house.first, "two", "key of two") == "You said: two"
    assert await house.tables.said(anna) == [
        "one", "You said: one", "three", "You said: three", "two", "You said: two",
    ]  # fmt: skip


async def test_a_backend_that_is_told_to_stop_finishes_its_turns(house: House, anna: Person) -> None:
    asking, gate = await ask_at_gate(anna, house.first, "one", house)
    await house.first.ask_to_stop()
    gate.set()
    assert (await asking).text == "You said: one"
    await house.first.ended()
    assert await house.tables.transcript(anna) == [("user", "one"), ("assistant", "You said: one")]


async def test_what_is_not_finished_within_the_grace_is_asked_again(house: House, anna: Person) -> None:
    asking, gate = await ask_at_gate(anna, house.first, "one", house)
    await house.first.ask_to_stop()
    told = await asking
    assert (told.status, told.body.get("type")) == (503, "/problems/turn-interrupted")
    assert told.retry_after
    await house.first.ended()
    gate.set()
    assert (await anna.asks(house.second, "one", "key of one")).text == "You said: one"
    assert await house.tables.transcript(anna) == [("user", "one"), ("assistant", "You said: one")]
