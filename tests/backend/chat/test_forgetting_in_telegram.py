"""Forgetting a person: also what was to be handed to him in Telegram, and that he asked to be let in."""

from dataclasses import replace

import pytest

from backend.bootstrap import Backend
from backend.bots import ApprovalNeeded, Asking, NotAllowed
from backend.database import Database
from tests.backend.api.running import everything
from tests.backend.chat.conversation import Person
from tests.backend.chat.test_delivering import sends

OWNER = "1000"


@pytest.fixture
async def backend(backend: Backend) -> Backend:
    for slug in ("bot", "other"):
        await backend.bots.add(slug, {"access": "pairing", "owner_id": OWNER})
    return backend


async def asks(backend: Backend, user_id: str, bot: str = "bot") -> str:
    """The code that is told to a stranger who is called as his id says."""
    with pytest.raises(ApprovalNeeded) as needed:
        await backend.bots.admit(Asking(bot, user_id, f"Mrs {user_id}", user_id, "private", "en"))
    return str(needed.value.members["code"])


async def told_of(db: Database, name: str) -> set[str]:
    """The tables in which a name stands."""
    return {table for table, rows in (await everything(db)).items() if name in str([dict(row) for row in rows])}


async def test_a_request_that_nobody_decided_is_forgotten_with_the_question_to_the_owner(
    backend: Backend, db: Database
) -> None:
    code = await asks(backend, "anna")
    assert await told_of(db, "anna") == {"admissions", "deliveries"}
    receipt = await backend.memory.forget("anna", None)
    assert (receipt.admissions, receipt.deliveries, receipt.left) == (1, 1, 0)
    assert await told_of(db, "anna") == set()
    assert await asks(backend, "anna") != code


@pytest.mark.parametrize("approve", [True, False])
async def test_a_decision_stays_without_the_name(backend: Backend, db: Database, approve: bool) -> None:
    await backend.bots.decide(await asks(backend, "anna"), approve=approve)
    receipt = await backend.memory.forget("anna", None)
    assert (receipt.admissions, receipt.deliveries, receipt.left) == (1, 2, 0)
    assert await told_of(db, "Mrs anna") == set()
    assert await told_of(db, "anna") == {"admissions"}
    asking = Asking("bot", "anna", "Mrs anna", "anna", "private", "en")
    if approve:
        await backend.bots.admit(asking)
    else:
        with pytest.raises(NotAllowed):
            await backend.bots.admit(asking)


async def test_what_was_to_be_delivered_and_how_often_one_wrote_is_forgotten(backend: Backend, db: Database) -> None:
    await backend.bots.change("bot", {"access": "everyone"})
    await backend.bots.admit(Asking("bot", "anna", "Anna", "anna", "private", "en"))
    anna = Person(backend, bot="bot")
    await sends(anna, "Hello from anna")
    await sends(replace(anna, chat_id="group", chat_type="group"), "Hello from anna, again")
    assert {"rates", "deliveries"} <= await told_of(db, "anna")
    receipt = await backend.memory.forget("anna", None)
    assert (receipt.turns, receipt.deliveries, receipt.left) == (2, 2, 0)
    assert await told_of(db, "anna") == set()


async def test_others_and_other_bots_forget_nothing(backend: Backend, db: Database) -> None:
    for user_id in ("anna", "annabel", "boris"):
        await asks(backend, user_id)
    await asks(backend, "anna", bot="other")
    receipt = await backend.memory.forget("anna", "bot")
    assert (receipt.admissions, receipt.deliveries) == (1, 1)
    kept = await db.run("select slug, user_id from admissions join bots on bots.id = bot_id order by slug, user_id")
    assert [tuple(row) for row in kept] == [("bot", "annabel"), ("bot", "boris"), ("other", "anna")]
    assert len(await db.run("select from deliveries")) == 3
