"""Two backend processes answer the same people: in order, and each message once."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from tests.faults.house import House
from tests.faults.people import Person
from tests.processes import BackendProcess, in_time
from tests.simulators.provider import Answer, Call
from tests.simulators.provider_behaviours import PIECE, begin, chunk_of, send

PLACE = "insert into messages (session_id, position, role, content, tokens)"


@dataclass(frozen=True, slots=True)
class Pauses:
    """A stream that goes on after its first piece when the gate is set."""

    text: str
    gate: asyncio.Event

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        stream = await begin(request, call, self.text, 1)
        await self.gate.wait()
        await send(stream, chunk_of(call, {"content": self.text[PIECE:]}, "stop"))
        return stream


async def test_fifty_messages_at_once_are_answered_in_order_each_once(house: House, anna: Person) -> None:
    both, texts = (house.first, house.second), [f"message {number}" for number in range(50)]
    told = await asyncio.gather(*(anna.asks(both[n % 2], text) for n, text in enumerate(texts)))
    assert [one.text for one in told] == [f"You said: {text}" for text in texts]
    transcript = await house.tables.transcript(anna)
    questions = [content for _, content in transcript[0::2]]
    assert sorted(questions) == sorted(texts)
    assert transcript[1::2] == [("assistant", f"You said: {question}") for question in questions]
    assert [prompt[-1]["content"] for prompt in house.provider.prompts] == questions
    assert house.provider.most_in_flight == 1


async def test_messages_are_answered_in_the_order_in_which_they_came(house: House, anna: Person) -> None:
    gate = asyncio.Event()
    house.provider.will(Answer(gate=gate))
    both, asking = (house.first, house.second), []
    for number in range(12):
        asking.append(asyncio.ensure_future(anna.asks(both[number % 2], f"message {number}")))
        await house.tables.accepted(anna, number + 1)
    gate.set()
    assert {(await told).status for told in asking} == {200}
    texts = [f"message {number}" for number in range(12)]
    assert (await house.tables.said(anna))[0::2] == texts
    assert [prompt[-1]["content"] for prompt in house.provider.prompts] == texts


async def test_one_key_twenty_times_at_once_is_one_turn_and_one_call(house: House, anna: Person) -> None:
    both = (house.first, house.second)
    told = await asyncio.gather(*(anna.asks(both[n % 2], "Hello", "the key") for n in range(20)))
    assert [one.body for one in told] == [told[0].body] * 20
    assert told[0].text == "You said: Hello"
    assert len(await house.tables.turns(anna)) == len(house.provider.calls) == 1


async def test_who_came_first_is_answered_first_however_the_statements_meet(house: House, anna: Person) -> None:
    """One turn ends; a second came before that could be seen; a third comes before the second can be seen."""
    gate = asyncio.Event()
    house.provider.will(Answer(gate=gate))
    one = asyncio.ensure_future(anna.asks(house.first, "one"))
    await house.tables.accepted(anna, 1)
    session = (await house.tables.session(anna))["id"]
    async with house.tables.holding(f"{PLACE} values ($1, 3, 'user', 'in the place of two', 1)", session):
        async with house.tables.holding("select from chat_sessions where id = $1 for no key update", session):
            gate.set()
            await house.tables.stopped(1)  # the end of one
            two = asyncio.ensure_future(anna.asks(house.first, "two"))
            await house.tables.stopped(2)
        assert (await one).status == 200
        await house.tables.stopped(1)  # two, which has the session's row and not yet its place
        three = asyncio.ensure_future(anna.asks(house.second, "three"))
        await house.tables.stopped(2)
    assert {(await two).status, (await three).status} == {200}
    assert [prompt[-1]["content"] for prompt in house.provider.prompts] == ["one", "two", "three"]


async def test_who_leaves_before_the_answer_finds_it_later(house: House, anna: Person) -> None:
    gate = asyncio.Event()
    house.provider.will(Answer("recorded", gate=gate))
    asking = asyncio.ensure_future(anna.asks(house.first, "Hello", "the key"))
    await in_time(house.provider.called())
    asking.cancel()
    await notices(house.first, anna)
    gate.set()
    assert (await anna.asks(house.second, "Hello", "the key")).text == "recorded"
    assert await house.tables.transcript(anna) == [("user", "Hello"), ("assistant", "recorded")]
    assert len(house.provider.calls) == 1


async def test_who_leaves_amid_a_stream_finds_the_answer_later(house: House, anna: Person) -> None:
    gate = asyncio.Event()
    house.provider.will(Pauses("recorded to its end", gate))
    response = await anna.streams(house.first, "Hello", "the key")
    await in_time(response.content.readuntil(b"event: delta"))
    response.close()
    await notices(house.first, anna)
    gate.set()
    assert (await anna.asks(house.second, "Hello", "the key")).text == "recorded to its end"
    assert await house.tables.transcript(anna) == [("user", "Hello"), ("assistant", "recorded to its end")]
    assert len(house.provider.calls) == 1


async def notices(backend: BackendProcess, person: Person) -> None:
    """Returns when the backend must have seen that a connection has ended: it has answered newer ones."""
    for _ in range(3):
        async with person.http.get(f"{backend.url}/health") as response:
            assert response.status == 200
