"""A new dialogue begins, for whom it should."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from backend.bootstrap import Backend
from backend.database import Database
from tests.backend.api.assertions import assert_problem
from tests.simulators.provider import Provider

Says = Callable[..., Awaitable[dict[str, Any]]]
Resets = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
def says(api: httpx2.AsyncClient) -> Says:
    async def says(user_id: str, chat_id: str, text: str = "Hello", **more: str) -> dict[str, Any]:
        response = await api.post("/v1/chat/handle", json={"user_id": user_id, "chat_id": chat_id, "text": text} | more)
        response.raise_for_status()
        reply: dict[str, Any] = response.json()
        return reply

    return says


@pytest.fixture
def resets(api: httpx2.AsyncClient) -> Resets:
    async def resets(**whom: Any) -> httpx2.Response:
        return await api.post("/v1/chat/reset", json=whom)

    return resets


async def active(db: Database) -> set[tuple[str, str]]:
    rows = await db.run("select user_id, chat_id from chat_sessions where is_active")
    return {(row["user_id"], row["chat_id"]) for row in rows}


async def test_a_chat_of_one_person_is_reset_by_its_id(says: Says, resets: Resets, db: Database) -> None:
    await says("anna", "private")
    await says("anna", "elsewhere")
    closed = (await resets(chat_id="private")).json()
    assert (closed["status"], closed["reset_sessions"], len(closed["session_ids"])) == ("ok", 1, 1)
    assert await active(db) == {("anna", "elsewhere")}


async def test_a_session_is_reset_by_its_id_once(says: Says, resets: Resets, db: Database) -> None:
    session_id = (await says("anna", "group"))["session_id"]
    await says("boris", "group")
    assert (await resets(session_id=session_id)).json()["reset_sessions"] == 1
    assert (await resets(session_id=session_id)).json()["reset_sessions"] == 0
    assert await active(db) == {("boris", "group")}


async def test_in_a_group_one_person_is_reset_and_the_others_go_on(says: Says, resets: Resets, db: Database) -> None:
    for user_id in ("anna", "boris", "clara"):
        await says(user_id, "group")
    assert (await resets(chat_id="group", user_id="anna")).json()["reset_sessions"] == 1
    assert await active(db) == {("boris", "group"), ("clara", "group")}


async def test_in_a_group_it_must_be_said_who_is_meant(says: Says, resets: Resets, db: Database) -> None:
    await says("anna", "group")
    await says("boris", "group")
    assert_problem(await resets(chat_id="group"), "reset-ambiguous", 422)
    assert await active(db) == {("anna", "group"), ("boris", "group")}


@pytest.mark.parametrize(
    "whom",
    [
        {"chat_id": "nowhere"},
        {"chat_id": "nowhere", "user_id": "anna"},
        {"chat_id": "private", "user_id": "boris"},
        {"chat_id": "private", "thread_id": "7"},
        {"chat_id": "private", "bot": "nobody"},
        {"session_id": "00000000-0000-4000-8000-000000000000"},
    ],
    ids=str,
)
async def test_nothing_to_reset_is_no_error(says: Says, resets: Resets, db: Database, whom: dict[str, str]) -> None:
    await says("anna", "private")
    assert (await resets(**whom)).json() == {"status": "ok", "reset_sessions": 0, "session_ids": []}
    assert await active(db) == {("anna", "private")}


async def test_a_topic_and_a_bot_have_dialogues_of_their_own(says: Says, resets: Resets, db: Database) -> None:
    await db.run("insert into bots (slug, name) values ('pirate', 'Pirate')")
    for more in ({}, {"thread_id": "7"}, {"bot": "pirate"}):
        await says("anna", "group", **more)
    assert (await resets(chat_id="group", thread_id="7")).json()["reset_sessions"] == 1
    assert (await resets(chat_id="group", user_id="anna", bot="pirate")).json()["reset_sessions"] == 1
    [left] = await db.run("select thread_id from chat_sessions where is_active")
    assert left["thread_id"] == ""


async def test_what_was_said_before_a_reset_is_not_shown_to_the_model(
    says: Says, resets: Resets, provider: Provider
) -> None:
    before = await says("anna", "private", "My cat is called Barsik")
    await resets(chat_id="private")
    after = await says("anna", "private", "What is my cat called?")
    assert after["session_id"] != before["session_id"]
    assert "Barsik" not in str(provider.prompts[-1])


async def test_an_answered_message_keeps_its_answer_after_a_reset(
    says: Says, resets: Resets, provider: Provider
) -> None:
    first = await says("anna", "private", key="k")
    await resets(chat_id="private")
    assert await says("anna", "private", key="k") == first
    assert len(provider.calls) == 1


async def test_a_reset_is_undone(says: Says, resets: Resets, api: httpx2.AsyncClient, provider: Provider) -> None:
    before = await says("anna", "private", "My cat is called Barsik")
    [closed] = (await resets(chat_id="private", forget=True)).json()["session_ids"]
    assert closed == before["session_id"]
    for _ in range(2):
        reopened = (await api.post(f"/v1/sessions/{closed}/reopen")).raise_for_status().json()
        assert (reopened["id"], reopened["is_active"], reopened["closed_at"]) == (closed, True, None)
    assert (await says("anna", "private", "What is my cat called?"))["session_id"] == closed
    assert "Barsik" in str(provider.prompts[-1])


async def test_a_reset_is_not_undone_once_the_person_has_gone_on(
    says: Says, resets: Resets, api: httpx2.AsyncClient
) -> None:
    closed = (await says("anna", "private"))["session_id"]
    await resets(chat_id="private")
    await says("anna", "private")
    assert_problem(await api.post(f"/v1/sessions/{closed}/reopen"), "session-moved-on", 409)


async def test_a_new_dialogue_in_which_nothing_was_said_does_not_stop_the_undoing(
    says: Says, resets: Resets, api: httpx2.AsyncClient, db: Database
) -> None:
    closed = (await says("anna", "private"))["session_id"]
    await resets(chat_id="private")
    await says("anna", "private")
    await db.run("delete from messages where session_id <> $1", UUID(closed))
    assert (await api.post(f"/v1/sessions/{closed}/reopen")).status_code == 200
    [active] = await db.run("select id from chat_sessions where is_active")
    assert active["id"] == UUID(closed)


async def test_a_reset_is_not_undone_later(says: Says, resets: Resets, api: httpx2.AsyncClient, db: Database) -> None:
    closed = (await says("anna", "private"))["session_id"]
    await resets(chat_id="private")
    await db.run("update chat_sessions set closed_at = closed_at - interval '36 seconds'")
    assert_problem(await api.post(f"/v1/sessions/{closed}/reopen"), "session-moved-on", 409)
    assert_problem(await api.post(f"/v1/sessions/{uuid4()}/reopen"), "session-not-found", 404)


async def test_what_is_to_be_forgotten_is_deleted_once_it_cannot_be_undone(
    says: Says, resets: Resets, db: Database, backend: Backend
) -> None:
    await says("anna", "private", "My cat is called Barsik")
    await says("boris", "private too", "My dog is called Rex")
    await resets(chat_id="private", forget=True)
    await resets(chat_id="private too")
    await backend.chat.sweep()
    assert len(await db.run("select from chat_sessions")) == 2
    await db.run(
        "update chat_sessions set closed_at = closed_at - interval '36 s', forget_at = forget_at - interval '36 s'"
    )
    await backend.chat.sweep()
    assert [row["user_id"] for row in await db.run("select user_id from chat_sessions")] == ["boris"]
    for table in ("messages", "turns", "embeddings"):
        assert len(await db.run(f"select from {table}")) <= 2
    assert not await db.run("select from messages where content like '%Barsik%'")
