"""Postgres is killed: clients hear a clear problem, what was acknowledged stays, and everybody recovers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tests.faults.cutter import Cutter
from tests.faults.house import House
from tests.faults.people import Person, Told, events_of
from tests.processes import BackendProcess, in_time, until
from tests.simulators.provider import Answer

PEOPLE, MESSAGES = 12, 5


def assert_clear(told: Told | None) -> None:
    """An answer, or a problem that says when to come again; and nobody killed the backend."""
    assert told
    if told.status != 200:
        assert told.status == 503, told
        assert told.body["type"] in ("/problems/storage-unavailable", "/problems/turn-interrupted"), told
        assert told.retry_after, told


async def test_who_asks_while_postgres_is_away_is_told_so(house: House, anna: Person) -> None:
    assert await anna.says(house.first, "before") == "You said: before"
    async with house.postgres_away():
        told = await anna.asks(house.first, "meanwhile", "the key")
        events = await events_of(await anna.streams(house.first, "meanwhile", "the key"))
        async with anna.http.get(f"{house.first.url}/health/ready") as ready:
            assert ready.status == 503
    assert (told.status, told.body["type"]) == (503, "/problems/storage-unavailable")
    assert told.retry_after
    assert [(name, data["type"]) for name, data in events] == [("problem", "/problems/storage-unavailable")]
    await house.tables.present(2)
    assert await anna.says(house.second, "meanwhile", "the key") == "You said: meanwhile"
    assert await house.tables.said(anna) == ["before", "You said: before", "meanwhile", "You said: meanwhile"]


async def test_an_answer_that_comes_while_postgres_is_away_is_given_once(house: House, anna: Person) -> None:
    gate = asyncio.Event()
    house.provider.will(Answer(gate=gate))
    asking = [asyncio.ensure_future(anna.asks(house.first, "one", "key 1"))]
    await in_time(house.provider.called())
    asking.append(asyncio.ensure_future(anna.asks(house.second, "two", "key 2")))
    await house.tables.accepted(anna, 2)
    async with house.postgres_away():
        gate.set()
        await asyncio.sleep(0.5)  # so that the answer comes, and cannot be recorded
    for told in asking:
        assert_clear(await told)
    assert await anna.says(house.second, "one", "key 1") == "You said: one"
    assert await anna.says(house.first, "two", "key 2") == "You said: two"
    said = await house.tables.said(anna)
    assert sorted(said[0::2]) == ["one", "two"]
    assert said[1::2] == [f"You said: {question}" for question in said[0::2]]


@dataclass(frozen=True, slots=True)
class Crowd:
    """People who talk at the same time, each asking again until there is an answer; and all that they were told."""

    house: House
    told: list[Told | None] = field(default_factory=list)
    answers: dict[tuple[Person, int], Told] = field(default_factory=dict)

    async def talk(self, person: Person) -> None:
        for number in range(MESSAGES):
            both = (self.house.first, self.house.second)
            heard = await person.insists(both, f"message {number}", f"key {number}")
            assert heard[-1]
            self.answers[person, number] = heard[-1]
            self.told.extend(heard)

    async def answered(self, count: int) -> None:
        """Returns once so many messages are answered."""

        async def are() -> bool:
            return len(self.answers) >= count

        await until(are, pause=0.01)


async def test_what_was_acknowledged_is_there_after_postgres_was_killed_twice(house: House) -> None:
    house.provider.rule = lambda body: Answer(delay=0.05)
    crowd, people = Crowd(house), [house.somebody() for _ in range(PEOPLE)]
    talking = asyncio.gather(*(crowd.talk(person) for person in people))
    for count in (PEOPLE, 3 * PEOPLE):
        await crowd.answered(count)
        async with house.postgres_away():
            assert not talking.done(), "nobody met it"
            await asyncio.sleep(0.3)
    await talking
    for told in crowd.told:
        assert_clear(told)
    for person in people:
        answers = [crowd.answers[person, number] for number in range(MESSAGES)]
        said = [text for n in range(MESSAGES) for text in (f"message {n}", f"You said: message {n}")]
        assert await house.tables.said(person) == said
        assert [told.text for told in answers] == said[1::2]
        assert [str(turn["id"]) for turn in await house.tables.turns(person)] == [
            told.body["turn_id"] for told in answers
        ]
    await house.tables.present(2)


@dataclass(frozen=True, slots=True)
class CutOff:
    """A backend, and who stands between it and Postgres."""

    backend: BackendProcess
    cutter: Cutter


@pytest.fixture(scope="module")
async def cut_off(opened: House) -> AsyncIterator[CutOff]:
    async with Cutter(opened.stores.database_url) as cutter:
        backend = opened.backend("cut-off", DATABASE_URL=cutter.url)
        await backend.start()
        yield CutOff(backend, cutter)
        await backend.kill()


@pytest.mark.parametrize(("words", "messages"), [("Hello", 1), ("You said: Hello", 2)], ids=["question", "answer"])
async def test_a_connection_lost_right_after_a_commit_leaves_nothing_stuck(
    house: House, cut_off: CutOff, anna: Person, words: str, messages: int
) -> None:
    async def is_stored() -> bool:
        return len(await house.tables.said(anna)) == messages

    cut_off.cutter.words = words.encode()
    asking = asyncio.ensure_future(anna.asks(cut_off.backend, "Hello", "the key"))
    await until(is_stored)
    cut_off.cutter.cut()
    assert_clear(await asking)
    assert await anna.says(cut_off.backend, "Hello", "the key") == "You said: Hello"
    assert await anna.says(house.first, "And now?") == "You said: And now?"
    assert await house.tables.said(anna) == ["Hello", "You said: Hello", "And now?", "You said: And now?"]
