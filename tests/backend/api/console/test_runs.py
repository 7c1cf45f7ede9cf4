"""Runs that begin in the chat: their steps are shown, and what they ask is answered there."""

import re
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx2
import pytest

from backend.database import Database
from backend.settings import Settings
from tests.backend.api.console.test_talk import say
from tests.backend.api.console.visiting import code_of, fill_in
from tests.backend.api.running import client_of, serving
from tests.backend.api.test_agents import added
from tests.backend.api.test_runs import ASK, TASK, WAITS
from tests.simulators.provider import Provider
from tests.simulators.provider_tools import CallsTool


@pytest.fixture
async def asking(asking_the_provider: Settings, provider: Provider, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    """At home; the next message begins a run."""
    async with serving(asking_the_provider) as app, client_of(app) as client:
        await added(client)
        provider.will(CallsTool("LIBRARIAN", {"task": TASK, "why": "asks"}))
        yield client


async def begun(client: httpx2.AsyncClient) -> UUID:
    found = re.search(r'hx-get="/console/runs/([0-9a-f-]+)"', await say(client, "When does the museum open?"))
    assert found
    return UUID(found[1])


async def asked(db: Database, run_id: UUID, whom: str) -> int:
    [row] = await db.run(ASK.replace("'anna'", f"'{whom}'"), run_id, str(uuid4()))
    await db.run(WAITS, run_id)
    id: int = row["id"]
    return id


async def test_its_steps_are_shown_as_long_as_it_goes_on(asking: httpx2.AsyncClient) -> None:
    run_id = await begun(asking)
    shown = (await asking.get(f"/console/runs/{run_id}")).text
    assert TASK in shown
    assert "to come" in shown
    address = re.search(r'hx-get="([^"]+version=[^"]+)"', shown)
    assert address
    assert (await asking.get(address[1])).status_code == 204
    assert str(run_id) in (await asking.get("/console/talk")).text


@pytest.mark.parametrize(
    ("order", "state"), [("confirm", "confirmed"), ("always", "confirmed"), ("cancel", "cancelled")]
)
async def test_what_it_asks_is_answered_once(asking: httpx2.AsyncClient, db: Database, order: str, state: str) -> None:
    run_id = await begun(asking)
    id = await asked(db, run_id, "console")
    shown = (await asking.get(f"/console/runs/{run_id}")).text
    assert "Write list.txt" in shown
    assert "+ milk" in shown
    code = await code_of(asking, "/console/talk")
    answered = await fill_in(asking, f"/console/confirmations/{id}", {"code": code, "order": order})
    assert (answered.status_code, "Write list.txt" in answered.text) == (200, False)
    [row] = await db.run("select state, answered_via, always from confirmations")
    assert tuple(row) == (state, "console", order == "always")
    again = await fill_in(asking, f"/console/confirmations/{id}", {"code": code, "order": "confirm"})
    assert (again.status_code, "answered already" in again.text) == (409, True)


async def test_what_may_have_happened_is_asked_in_other_words(asking: httpx2.AsyncClient, db: Database) -> None:
    run_id = await begun(asking)
    await asked(db, run_id, "console")
    await db.run("update confirmations set kind = 'repeat', grants = null")
    shown = (await asking.get(f"/console/runs/{run_id}")).text
    for words in ("may have happened already", "Do it again", "Leave it"):
        assert words in shown


async def test_what_hides_in_a_question_is_seen(asking: httpx2.AsyncClient, db: Database) -> None:
    run_id = await begun(asking)
    await asked(db, run_id, "console")
    await db.run("update confirmations set title = $1, detail = $2", "Run\u2066 it", "cat\t\u202egpj.exe\u200b<b>")
    shown = (await asking.get(f"/console/runs/{run_id}")).text
    assert "Run\\u2066 it" in shown
    assert "cat\t\\u202egpj.exe\\u200b&lt;b&gt;" in shown


async def test_what_somebody_else_was_asked_is_not_answered_here(asking: httpx2.AsyncClient, db: Database) -> None:
    run_id = await begun(asking)
    await db.run("update chat_sessions set user_id = 'anna', chat_id = 'anna'")
    id = await asked(db, run_id, "anna")
    code = await code_of(asking, "/console/talk")
    refused = await fill_in(asking, f"/console/confirmations/{id}", {"code": code, "order": "confirm"})
    assert refused.status_code in (403, 404)
    assert [row["state"] for row in await db.run("select state from confirmations")] == ["waiting"]


async def test_it_is_stopped(asking: httpx2.AsyncClient, db: Database) -> None:
    run_id = await begun(asking)
    code = await code_of(asking, "/console/talk")
    stopped = await fill_in(asking, f"/console/runs/{run_id}/stop", {"code": code})
    assert "cancelled" in stopped.text
    assert "hx-trigger" not in stopped.text
    assert [row["status"] for row in await db.run("select status from agent_runs")] == ["cancelled"]
    over = await fill_in(asking, f"/console/runs/{run_id}/stop", {"code": code})
    assert (over.status_code, "over already" in over.text) == (409, True)
    assert over.headers["hx-retarget"] == "#trouble"
