"""How often one may write: the same for all processes, to the message."""

import asyncio
from collections import Counter

import pytest

from backend.bots import Asking, Bots, Rules, TooManyMessages
from backend.database import Database
from backend.settings import Settings
from tests.backend.bots.tokens import SEAL
from tests.processes import until


def limited(db: Database, of_person: int = 0, of_bot: int = 0) -> Bots:
    return Bots(db, SEAL, Rules(messages_per_minute=of_person, bot_messages_per_minute=of_bot))


async def let_through(bots: Bots, user_id: str = "anna", bot: str = "default") -> str:
    """`yes`, or of whom it was too much."""
    try:
        await bots.admit(Asking(bot, user_id, "Anna", user_id, "private", "en"))
    except TooManyMessages as too_many:
        return str(too_many.members["of"])
    return "yes"


async def let_seconds_pass(db: Database, seconds: float) -> None:
    await db.run("update rates set full_until = full_until - $1 * interval '1 second'", seconds)


async def test_of_a_hundred_messages_at_once_through_two_processes_the_limit_passes(
    db: Database, settings: Settings
) -> None:
    async with Database(settings.database_url.get_secret_value()) as second:
        backends = limited(db, of_person=7), limited(second, of_person=7)
        answers = await asyncio.gather(*(let_through(backends[number % 2]) for number in range(100)))
    assert Counter(answers) == {"yes": 7, "person": 93}


@pytest.mark.parametrize("limit", [1, 2, 7, 11, 13])
async def test_as_many_as_a_minute_has_may_come_at_once(db: Database, limit: int) -> None:
    bots = limited(db, of_person=limit)
    answers = await asyncio.gather(*(let_through(bots) for _ in range(limit + 1)))
    assert answers.count("yes") == limit


async def test_who_began_before_another_one_and_comes_after_it_is_not_too_early(db: Database) -> None:
    bots = limited(db, of_person=2)
    await let_through(bots)
    another = await db.connect()
    async with another.transaction():
        await another.execute("select from rates for update")
        answer = asyncio.ensure_future(let_through(bots))
        await until(lambda: db.run("select from pg_locks where not granted"))
        await another.execute("update rates set full_until = clock_timestamp() + interval '30 seconds'")
    await another.close()
    assert await answer == "yes"


async def test_then_one_passes_whenever_there_is_room_for_it(db: Database) -> None:
    bots = limited(db, of_person=2)
    assert [await let_through(bots) for _ in range(3)] == ["yes", "yes", "person"]
    await let_seconds_pass(db, 25)
    assert await let_through(bots) == "person"
    await let_seconds_pass(db, 5)
    assert [await let_through(bots) for _ in range(2)] == ["yes", "person"]
    await let_seconds_pass(db, 3_600)
    assert [await let_through(bots) for _ in range(3)] == ["yes", "yes", "person"]


async def test_who_comes_too_early_is_told_when_to_come_again(db: Database) -> None:
    bots = limited(db, of_person=2)
    for _ in range(2):
        await let_through(bots)
    with pytest.raises(TooManyMessages) as refused:
        await bots.admit(Asking("default", "anna", "Anna", "anna", "private", "en"))
    body, headers = refused.value.body(), refused.value.headers()
    assert (body["of"], refused.value.status) == ("person", 429)
    assert 25 < body["retry_after"] <= 30
    assert headers["Retry-After"] == str(body["retry_after"])
    await let_seconds_pass(db, body["retry_after"])
    assert await let_through(bots) == "yes"


async def test_one_persons_limit_is_not_anothers(db: Database) -> None:
    bots = limited(db, of_person=1)
    await bots.add("other", {})
    asked = [("anna", "default"), ("boris", "default"), ("anna", "other"), ("anna", "default")]
    assert [await let_through(bots, *who) for who in asked] == ["yes", "yes", "yes", "person"]


async def test_a_bots_limit_is_everybodys(db: Database) -> None:
    bots = limited(db, of_person=2, of_bot=3)
    people = ["anna", "anna", "anna", "boris", "boris", "clara"]
    assert [await let_through(bots, who) for who in people] == ["yes", "yes", "person", "yes", "bot", "bot"]


async def test_a_bot_may_have_a_limit_of_its_own_or_none(db: Database) -> None:
    bots = limited(db, of_person=1)
    await bots.add("patient", {"messages_per_minute": 3})
    await bots.add("endless", {"messages_per_minute": 0})
    assert [await let_through(bots, bot="patient") for _ in range(4)] == ["yes", "yes", "yes", "person"]
    assert [await let_through(bots, bot="endless") for _ in range(30)] == ["yes"] * 30
    assert [await let_through(bots) for _ in range(2)] == ["yes", "person"]


async def test_without_a_limit_nothing_is_counted(db: Database) -> None:
    bots = limited(db)
    assert [await let_through(bots) for _ in range(30)] == ["yes"] * 30
    assert await db.run("select from rates") == []


async def test_what_has_passed_is_forgotten(db: Database) -> None:
    bots = limited(db, of_person=1)
    await let_through(bots, "anna")
    await let_seconds_pass(db, 61)
    await let_through(bots, "boris")
    await bots.sweep()
    assert [row["key"].split()[1] for row in await db.run("select key from rates")] == ["boris"]
