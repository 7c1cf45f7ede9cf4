"""Cards of runs, their questions, files and results, as a relay gets them over HTTP."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from backend.bootstrap import Backend
from backend.database import Database
from tests.backend.api.assertions import assert_problem
from tests.backend.api.test_deliveries import LEASE, Leases, leases, pending, relay, tells

__all__ = ["leases", "relay"]

TURN = """
with session as (
    insert into chat_sessions (bot_id, chat_id, user_id, language) select id, '42', '42', 'ru' from bots
    returning id, bot_id
), turn as (
    insert into turns (session_id, position, status, delivers, owner, reply_to, finished_at)
    select id, 1, 'answered', true, 0, '17', now() from session returning id, session_id
), message as (
    insert into messages (session_id, turn_id, position, role, content, tokens)
    select session_id, id, 2, 'assistant', 'I am on it.', 3 from turn
), run as (
    insert into agent_runs (
        session_id, turn_id, kind, title, request, max_model_calls, max_tool_calls, max_tokens, max_minutes
    )
    select session_id, id, 'dynamic', 'Two things', 'Do two things', 9, 9, 9, 9 from turn returning id, turn_id
), steps as (
    insert into run_steps (run_id, position, kind, agent, action)
    select id, position, kind, agent, action from run cross join (values
        (1, 'plan', null, 'Plan'), (2, 'act', 'system_agent', 'Read ' || repeat('x', 300)),
        (3, 'act', null, E'Write\\nas others have said')
    ) as step (position, kind, agent, action)
), delivery as (
    insert into deliveries (bot_id, turn_id, run_id, chat_id, user_id, reply_to, language, kind)
    select bot_id, run.turn_id, run.id, '42', '42', '17', 'ru', 'run' from session cross join run returning id
)
select (select id from turn) as turn_id, (select id from run) as run_id, (select id from session) as session_id,
    (select id from delivery) as id
"""
ASK = """
with call as (
    insert into skill_calls (run_id, bot_id, user_id, chat_id, call_id, skill, state)
    select $1, id, '42', '42', 'c', 'shell', 'asked' from bots returning id, bot_id
), question as (
    insert into confirmations (run_id, skill_call_id, user_id, skill, title, detail, grants, expires_at)
    select $1, id, '42', 'shell', 'Run a program', 'rm -r build', 'shell', now() + interval '5 minutes' from call
    returning id
)
insert into deliveries (bot_id, run_id, confirmation_id, chat_id, kind)
select bot_id, $1, question.id, '42', 'confirmation' from call cross join question returning id, confirmation_id
"""
FILE = """
with file as (
    insert into run_files (run_id, name, media_type, size, content)
    values ($1, 'page.png', 'image/png', 3, 'abc') returning id
)
insert into deliveries (bot_id, run_id, file_id, chat_id, kind)
select bots.id, $1, file.id, '42', 'file' from bots cross join file
"""
RESULT = """
with message as (
    insert into messages (session_id, run_id, position, role, content, tokens)
    values ($2, $1, 3, 'assistant', 'Both are done.', 3)
)
insert into deliveries (bot_id, run_id, chat_id, kind) select id, $1, '42', 'answer' from bots
"""


@dataclass(frozen=True)
class Run:
    """A run whose card is delivery `id`."""

    id: int
    run_id: UUID
    turn_id: UUID
    session_id: UUID


@pytest.fixture
async def run(db: Database) -> Run:
    [row] = await db.run(TURN)
    return Run(**dict(row))


async def changed(api: httpx2.AsyncClient, relay: UUID, **wanted: Any) -> list[dict[str, Any]]:
    response = await api.get(f"/v1/relays/{relay}/cards", params=wanted)
    data: list[dict[str, Any]] = response.raise_for_status().json()["data"]
    return data


async def shows(api: httpx2.AsyncClient, id: int, relay: UUID, changed: int) -> httpx2.Response:
    return await api.put(f"/v1/deliveries/{id}/shown", json={"relay": str(relay), "changed": changed})


async def sent(api: httpx2.AsyncClient, relay: UUID) -> dict[str, Any]:
    """The only delivery that waits, which is sent now."""
    [delivery] = await pending(api, relay)
    await tells(api, delivery["id"], relay, parts=1, sending=1)
    end = {"sent": 1, "message_id": 101, "state": "sent", "shown": delivery["changed"]}
    (await tells(api, delivery["id"], relay, **end)).raise_for_status()
    return delivery


async def test_the_turn_of_a_run_ends_as_a_card_with_its_steps(
    offline_api: httpx2.AsyncClient, relay: UUID, run: Run
) -> None:
    [delivery] = await pending(offline_api, relay)
    assert (delivery["kind"], delivery["text"], delivery["reply_to"]) == ("run", "I am on it.", "17")
    assert delivery["turn_id"] == str(run.turn_id)
    card = delivery["card"]
    assert (card["run_id"], card["title"], card["status"]) == (str(run.run_id), "Two things", "pending")
    assert card["skippable"]
    steps = [(step["position"], step["kind"], step["agent"], step["status"]) for step in card["steps"]]
    assert steps == [(1, "plan", None, "pending"), (2, "act", "system_agent", "pending"), (3, "act", None, "pending")]
    assert len(card["steps"][1]["name"]) == 200
    assert card["steps"][2]["name"] == "Write"


async def test_who_listens_to_the_turn_gets_the_card(backend: Backend, run: Run) -> None:
    delivery = await backend.chat.deliveries.of_turn(run.turn_id)
    assert delivery
    assert delivery["card"]["title"] == "Two things"


async def test_a_card_is_to_be_shown_anew_once_it_was_sent_and_has_changed(
    offline_api: httpx2.AsyncClient, db: Database, relay: UUID, run: Run
) -> None:
    assert await changed(offline_api, relay) == []
    await sent(offline_api, relay)
    assert await changed(offline_api, relay) == [], "what was sent is as it was"
    waiting = asyncio.ensure_future(changed(offline_api, relay, wait=30))
    await asyncio.sleep(0)
    await db.run("update run_steps set status = 'replaced' where position = 2")
    await db.run("update agent_runs set status = 'running', started_at = now()")
    [card] = await waiting
    assert (card["id"], card["message_id"], card["text"], card["language"]) == (run.id, "101", "I am on it.", "ru")
    assert [step["position"] for step in card["card"]["steps"]] == [1, 3], "what is planned anew is shown"
    assert not card["card"]["skippable"], "with nothing left, the run is stopped"
    [card] = await changed(offline_api, relay)
    assert card["card"]["status"] == "running"
    assert (await shows(offline_api, run.id, relay, card["changed"])).status_code == 204
    assert await changed(offline_api, relay) == []
    await db.run("update agent_runs set status = 'completed'")
    [newer] = await changed(offline_api, relay, after=card["changed"])
    assert await changed(offline_api, relay, after=newer["changed"]) == []


async def test_what_is_shown_only_goes_forward(
    offline_api: httpx2.AsyncClient, db: Database, relay: UUID, run: Run
) -> None:
    await sent(offline_api, relay)
    await db.run("update agent_runs set status = 'running'")
    [card] = await changed(offline_api, relay)
    await shows(offline_api, run.id, relay, card["changed"] - 1)
    assert await changed(offline_api, relay) == [card]
    await shows(offline_api, run.id, relay, 10**15)
    assert (await shows(offline_api, run.id, relay, 0)).status_code == 204
    assert await changed(offline_api, relay) == []
    await db.run("update agent_runs set status = 'completed'")
    assert await changed(offline_api, relay), "nobody shows what is yet to come"


async def test_only_the_holder_of_the_lease_shows(
    offline_api: httpx2.AsyncClient, db: Database, leases: Leases, run: Run
) -> None:
    before = await leases()
    await sent(offline_api, before)
    await db.run("update agent_runs set status = 'running'")
    now = await leases()
    assert await changed(offline_api, before) == []
    assert_problem(await shows(offline_api, run.id, before, 10**9), "lease-lost", 409)
    assert len(await changed(offline_api, now)) == 1
    await db.run(LEASE, now, "default", -1)
    assert await changed(offline_api, now) == []
    assert_problem(await shows(offline_api, run.id + 1, now, 1), "delivery-not-found", 404)


async def test_a_question_tells_all_that_is_asked_and_how_it_was_answered(
    offline_api: httpx2.AsyncClient, db: Database, relay: UUID, run: Run
) -> None:
    await sent(offline_api, relay)
    [asked] = await db.run(ASK, run.run_id)
    card = (await sent(offline_api, relay))["card"]
    assert (card["title"], card["detail"], card["skill"]) == ("Run a program", "rm -r build", "shell")
    assert (card["id"], card["kind"], card["state"]) == (asked["confirmation_id"], "action", "waiting")
    assert card["grants"]
    answer = "update confirmations set state = 'confirmed', always = true, answered_at = now(), answered_via = 'api'"
    await db.run(answer)
    [answered] = await changed(offline_api, relay)
    assert (answered["card"]["state"], answered["card"]["always"]) == ("confirmed", True)
    assert (answered["kind"], answered["card"]["answered_via"]) == ("confirmation", "api")


async def test_a_result_is_the_message_of_its_run_after_its_files(
    offline_api: httpx2.AsyncClient, db: Database, relay: UUID, run: Run
) -> None:
    await sent(offline_api, relay)
    await db.run(FILE, run.run_id)
    await db.run(RESULT, run.run_id, run.session_id)
    file, result = await pending(offline_api, relay)
    assert (result["kind"], result["text"], result["turn_id"], result["card"]) == (
        "answer", "Both are done.", None, None,
    )  # fmt: skip
    assert (file["kind"], file["card"]["name"], file["card"]["media_type"]) == ("file", "page.png", "image/png")
    response = await offline_api.get(f"/v1/deliveries/{file['id']}/file")
    assert (response.content, response.headers["content-disposition"]) == (b"abc", "attachment")
    assert_problem(await offline_api.get(f"/v1/deliveries/{result['id']}/file"), "delivery-not-found", 404)
    assert (await tells(offline_api, result["id"], relay, sending=1)).json()["text"] == "Both are done."


async def test_a_question_that_still_waits_is_not_tidied_away(
    offline_api: httpx2.AsyncClient, db: Database, relay: UUID, run: Run, backend: Backend
) -> None:
    await sent(offline_api, relay)
    await db.run(ASK, run.run_id)
    await sent(offline_api, relay)
    await db.run("update deliveries set finished_at = finished_at - interval '3 days'")
    await backend.chat.deliveries.tidy()
    kinds = await db.run("select kind from deliveries order by id")
    assert [row["kind"] for row in kinds] == ["run", "confirmation"]
    await db.run("update confirmations set state = 'expired', answered_at = now()")
    await backend.chat.deliveries.tidy()
    assert [row["kind"] for row in await db.run("select kind from deliveries")] == ["run"]


async def test_a_card_of_nobody_is_not_shown(offline_api: httpx2.AsyncClient) -> None:
    assert await changed(offline_api, uuid4()) == []
