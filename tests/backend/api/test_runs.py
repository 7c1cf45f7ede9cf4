"""Runs, and what people are asked in them, as a program sees them: from a message on."""

from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from backend.database import Database
from tests.backend.api.assertions import assert_problem
from tests.backend.api.test_agents import added
from tests.backend.api.test_macros import HELLO
from tests.simulators.provider import Provider
from tests.simulators.provider_tools import CallsTool

TASK = "Find out when the museum opens."
PLAN: dict[str, Any] = {
    "slug": "three-museums",
    "name": "Three museums",
    "description": "Compares three museums.",
    "plan": [
        {"agent": "librarian", "action": "Look at the first."},
        {"agent": "librarian", "action": "Look at the second."},
        {"agent": "librarian", "action": "Compare them.", "depends_on": [1, 2]},
    ],
}
ASK = """
with call as (
    insert into skill_calls (run_id, step_id, bot_id, user_id, chat_id, call_id, skill, effect, state, arguments)
    select $1, step.id, bot.id, 'anna', 'anna', $2, 'filesystem_write', true, 'asked', '{"path": "list.txt"}'
    from bots bot, run_steps step where bot.slug = 'default' and step.run_id = $1 and step.position = 1
    returning id
)
insert into confirmations (run_id, skill_call_id, user_id, skill, title, detail, grants, expires_at)
select $1, id, 'anna', 'filesystem_write', 'Write list.txt', '+ milk', 'filesystem_write', now() + interval '5 minutes'
from call returning id
"""
WAITS = "update run_steps set status = 'waiting' where run_id = $1 and position = 1"


@pytest.fixture
async def asking(api: httpx2.AsyncClient, provider: Provider) -> httpx2.AsyncClient:
    """A bot that has an agent, of whom the next message asks something."""
    await added(api)
    provider.will(CallsTool("LIBRARIAN", {"task": TASK, "why": "asks"}))
    return api


async def say(api: httpx2.AsyncClient, **changed: Any) -> dict[str, Any]:
    reply: dict[str, Any] = (await api.post("/v1/chat/handle", json=HELLO | changed)).raise_for_status().json()
    return reply


async def asked(db: Database, run_id: str) -> int:
    """A question that a worker would ask in a run, which then waits for the answer."""
    [row] = await db.run(ASK, UUID(run_id), str(uuid4()))
    await db.run(WAITS, UUID(run_id))
    id: int = row["id"]
    return id


async def test_a_message_begins_a_run_which_is_shown(asking: httpx2.AsyncClient) -> None:
    reply = await say(asking, text="When does it open?", key="k")
    assert (reply["type"], reply["text"]) == ("run", f"I am on it: {TASK}")
    assert await say(asking, text="When does it open?", key="k") == reply
    run = (await asking.get(f"/v1/runs/{reply['run_id']}")).raise_for_status().json()
    expected = {
        "id": reply["run_id"], "turn_id": reply["turn_id"], "session_id": reply["session_id"], "kind": "agent",
        "target": "librarian", "title": TASK, "request": "When does it open?", "status": "pending", "user_id": "anna",
        "bot": "default", "confirmations": [], "files": [], "result": None, "max_tokens": 200_000,
    }  # fmt: skip
    assert expected.items() <= run.items()
    [step] = run["steps"]
    assert (step["position"], step["agent"], step["action"], step["status"]) == (1, "librarian", TASK, "pending")
    listed = (await asking.get("/v1/runs", params={"user_id": "anna", "status": "pending"})).json()
    assert [each["id"] for each in listed["items"]] == [run["id"]]
    for nothing in ({"user_id": "bob"}, {"status": "failed"}, {"bot": "other"}, {"session_id": str(uuid4())}):
        assert (await asking.get("/v1/runs", params=nothing)).json()["items"] == []


async def test_a_streamed_message_ends_with_its_run(asking: httpx2.AsyncClient) -> None:
    streamed = await asking.post("/v1/chat/stream", json=HELLO)
    assert '"type":"run"' in streamed.text
    assert f'data: {{"text":"I am on it: {TASK}"}}' in streamed.text


async def test_a_delivered_message_ends_with_the_card_of_its_run(asking: httpx2.AsyncClient) -> None:
    streamed = await asking.post("/v1/chat/stream", json=HELLO | {"deliver": True})
    assert "event: delivery" in streamed.text
    assert '"kind":"run"' in streamed.text
    [run] = (await asking.get("/v1/runs")).json()["items"]
    assert run["id"] in streamed.text


async def test_who_waits_for_a_run_hears_of_its_change(asking: httpx2.AsyncClient, db: Database) -> None:
    at = f"/v1/runs/{(await say(asking))['run_id']}"
    run = (await asking.get(at)).json()
    assert (await asking.get(at, params={"version": run["version"], "wait": 0})).json() == run
    assert (await asking.get(at, params={"version": "of yesterday", "wait": 30})).json() == run
    await db.run("update agent_runs set status = 'running'")
    changed = (await asking.get(at, params={"version": run["version"], "wait": 30})).json()
    assert (changed["status"], changed["version"] == run["version"]) == ("running", False)


async def test_a_run_is_stopped_once_and_by_nobody_else(asking: httpx2.AsyncClient) -> None:
    at = f"/v1/runs/{(await say(asking))['run_id']}/cancel"
    assert_problem(await asking.post(at, json={"user_id": "bob"}), "run-not-found", 404)
    stopped = (await asking.post(at, json={"user_id": "anna"})).raise_for_status().json()
    assert (stopped["status"], [step["status"] for step in stopped["steps"]]) == ("cancelled", ["cancelled"])
    assert assert_problem(await asking.post(at), "run-over", 409)["state"] == "cancelled"


async def test_an_operator_stops_any_run(asking: httpx2.AsyncClient) -> None:
    assert (await asking.post(f"/v1/runs/{(await say(asking))['run_id']}/cancel")).json()["status"] == "cancelled"


async def test_a_step_is_skipped_with_what_needs_it(asking: httpx2.AsyncClient, provider: Provider) -> None:
    (await asking.post("/v1/macros", json=PLAN)).raise_for_status()
    provider.usual = CallsTool("three-museums", {})
    await say(asking)
    run_id = (await say(asking))["run_id"]
    skipped = (await asking.post(f"/v1/runs/{run_id}/steps/2/skip", json={"user_id": "anna"})).json()
    assert [step["status"] for step in skipped["steps"]] == ["pending", "skipped", "skipped"]
    for position, problem, status in ((2, "step-over", 409), (4, "step-not-found", 404), (0, "invalid-request", 422)):
        assert_problem(await asking.post(f"/v1/runs/{run_id}/steps/{position}/skip"), problem, status)


async def test_stop_ends_runs_too_unless_it_is_about_the_answer_only(asking: httpx2.AsyncClient) -> None:
    run_id, here = (await say(asking))["run_id"], {"chat_id": "anna", "user_id": "anna"}
    stop = "/v1/chat/stop"
    assert (await asking.post(stop, json=here | {"runs": False})).json() == {"stopped": 0, "runs": 0}
    assert (await asking.post(stop, json=here | {"user_id": "bob"})).json() == {"stopped": 0, "runs": 0}
    assert (await asking.post(stop, json=here)).json() == {"stopped": 0, "runs": 1}
    assert (await asking.get(f"/v1/runs/{run_id}")).json()["status"] == "cancelled"
    assert (await asking.post(stop, json=here)).json() == {"stopped": 0, "runs": 0}


async def test_a_question_is_shown_and_answered_once_by_whom_it_is_put_to(
    asking: httpx2.AsyncClient, db: Database
) -> None:
    run_id = (await say(asking))["run_id"]
    id = await asked(db, run_id)
    [shown] = (await asking.get("/v1/confirmations", params={"user_id": "anna", "state": "waiting"})).json()["items"]
    expected = {
        "id": id, "run_id": run_id, "bot": "default", "chat_id": "anna", "user_id": "anna", "kind": "action",
        "skill": "filesystem_write", "title": "Write list.txt", "detail": "+ milk", "state": "waiting",
        "grants": "filesystem_write", "always": False,
    }  # fmt: skip
    assert expected.items() <= shown.items()
    assert (await asking.get(f"/v1/confirmations/{id}")).json() == shown
    at = f"/v1/confirmations/{id}/confirm"
    assert_problem(await asking.post(at, json={"user_id": "bob"}), "not-yours", 403)
    assert_problem(await asking.post(at, json={}), "invalid-request", 422)
    confirmed = (await asking.post(at, json={"user_id": "anna", "always": True, "via": "button"})).json()
    assert (confirmed["state"], confirmed["always"], confirmed["answered_via"]) == ("confirmed", True, "button")
    over = await asking.post(f"/v1/confirmations/{id}/cancel", json={"user_id": "anna"})
    assert assert_problem(over, "confirmation-over", 409)["state"] == "confirmed"
    assert (await asking.get("/v1/confirmations", params={"state": "waiting"})).json()["items"] == []


async def test_what_was_allowed_is_listed_and_taken_back(asking: httpx2.AsyncClient, db: Database) -> None:
    id = await asked(db, (await say(asking))["run_id"])
    answer = {"user_id": "anna", "always": True}
    (await asking.post(f"/v1/confirmations/{id}/confirm", json=answer)).raise_for_status()
    [grant] = (await asking.get("/v1/grants", params={"user_id": "anna", "bot": "default"})).json()["items"]
    assert (grant["kind"], grant["chat_id"]) == ("filesystem_write", "anna")
    at = f"/v1/grants/{grant['id']}"
    assert_problem(await asking.delete(at, params={"user_id": "bob"}), "grant-not-found", 404)
    assert (await asking.delete(at, params={"user_id": "anna"})).status_code == 204
    assert_problem(await asking.delete(at), "grant-not-found", 404)
    assert (await asking.get("/v1/grants")).json()["items"] == []


async def test_who_does_not_want_it_ends_its_step(asking: httpx2.AsyncClient, db: Database) -> None:
    run_id = (await say(asking))["run_id"]
    cancelled = await asking.post(f"/v1/confirmations/{await asked(db, run_id)}/cancel", json={"user_id": None})
    assert cancelled.json()["state"] == "cancelled"
    run = (await asking.get(f"/v1/runs/{run_id}")).json()
    assert (run["status"], run["steps"][0]["status"]) == ("cancelled", "cancelled")
    assert [question["state"] for question in run["confirmations"]] == ["cancelled"]


async def test_calls_are_audited(asking: httpx2.AsyncClient, db: Database) -> None:
    run_id = (await say(asking))["run_id"]
    await asked(db, run_id)
    [call] = (await asking.get("/v1/skill-calls", params={"run_id": run_id, "user_id": "anna"})).json()["items"]
    expected = {"skill": "filesystem_write", "state": "asked", "effect": True, "bot": "default", "decision": None}
    assert expected.items() <= call.items()
    assert call["arguments"] == {"path": "list.txt"}
    assert (await asking.get("/v1/skill-calls", params={"user_id": "bob"})).json()["items"] == []


@pytest.mark.parametrize(("media_type", "served_as"), [("image/png", "image/png"), ("text/html", "octet-stream")])
async def test_a_file_of_a_run_is_handed_out(
    asking: httpx2.AsyncClient, db: Database, media_type: str, served_as: str
) -> None:
    run_id = (await say(asking))["run_id"]
    [row] = await db.run(
        "insert into run_files (run_id, name, media_type, size, content) values ($1, $2, $3, 3, 'abc') returning id",
        UUID(run_id), 'sei"te\r\nX: 1.png', media_type,
    )  # fmt: skip
    [file] = (await asking.get(f"/v1/runs/{run_id}")).json()["files"]
    assert (file["id"], file["size"], file["media_type"]) == (row["id"], 3, media_type)
    served = await asking.get(f"/v1/runs/{run_id}/files/{row['id']}")
    assert (served.content, served.headers["x-content-type-options"]) == (b"abc", "nosniff")
    assert served.headers["content-type"].endswith(served_as)
    assert served.headers["content-disposition"] == "attachment; filename*=UTF-8''sei%22te%0D%0AX%3A%201.png"
    for wrong in (f"{run_id}/files/{row['id'] + 1}", f"{uuid4()}/files/{row['id']}"):
        assert_problem(await asking.get(f"/v1/runs/{wrong}"), "file-not-found", 404)


async def test_what_is_not_there_is_told(offline_api: httpx2.AsyncClient) -> None:
    for path in (f"/v1/runs/{uuid4()}/cancel", f"/v1/runs/{uuid4()}/steps/1/skip"):
        assert_problem(await offline_api.post(path), "run-not-found", 404)
    assert_problem(await offline_api.get(f"/v1/runs/{uuid4()}"), "run-not-found", 404)
    for path in ("/v1/confirmations/1/confirm", "/v1/confirmations/1/cancel"):
        assert_problem(await offline_api.post(path, json={"user_id": "anna"}), "confirmation-not-found", 404)
    assert_problem(await offline_api.get("/v1/confirmations/1"), "confirmation-not-found", 404)
    assert_problem(await offline_api.get("/v1/runs", params={"status": "done"}), "invalid-request", 422)
