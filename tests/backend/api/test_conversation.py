"""To stop an answer, and to correct a message."""

import asyncio

import httpx2
import pytest

from backend.database import Database
from tests.backend.api.assertions import assert_problem
from tests.simulators.provider import Answer, Provider

HERE = {"user_id": "anna", "chat_id": "anna"}
HELLO = HERE | {"text": "Hello", "key": "k"}


async def test_whoever_waits_is_given_the_answer_so_far(api: httpx2.AsyncClient, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer(gate=gate))
    asking = asyncio.ensure_future(api.post("/v1/chat/handle", json=HELLO))
    await provider.called()
    assert (await api.post("/v1/chat/stop", json=HERE)).json() == {"stopped": 1, "runs": 0}
    stopped = await asking
    gate.set()
    assert (stopped.status_code, stopped.json()["text"]) == (200, "")
    assert (await api.post("/v1/chat/stop", json=HERE)).json() == {"stopped": 0, "runs": 0}
    assert (await api.post("/v1/chat/stop", json=HERE | {"bot": "nobody"})).json() == {"stopped": 0, "runs": 0}


async def test_a_message_is_corrected_by_its_key(api: httpx2.AsyncClient, db: Database) -> None:
    await api.post("/v1/chat/handle", json=HELLO)
    edit = HELLO | {"text": "Goodbye", "quote": {"text": "So long"}}
    assert (await api.patch("/v1/chat/messages", json=edit)).json() == {"status": "ok", "corrected": True}
    [row] = await db.run("select content, tokens from messages where role = 'user'")
    assert row["content"] == "In reply to:\n> So long\n\nGoodbye"
    assert row["tokens"] > 2


@pytest.mark.parametrize("other", [{"key": "another"}, {"user_id": "boris"}, {"thread_id": "7"}], ids=str)
async def test_a_key_names_a_message_only_for_whom_it_belongs_to(
    api: httpx2.AsyncClient, db: Database, other: dict[str, str]
) -> None:
    await api.post("/v1/chat/handle", json=HELLO)
    edit = HELLO | {"text": "Goodbye"} | other
    assert (await api.patch("/v1/chat/messages", json=edit)).json()["corrected"] is False
    assert [row["content"] for row in await db.run("select content from messages where role = 'user'")] == ["Hello"]


async def test_a_message_may_not_be_corrected_into_a_longer_one_than_may_be_sent(api: httpx2.AsyncClient) -> None:
    edit = HELLO | {"text": "x" * 32_001}
    assert_problem(await api.patch("/v1/chat/messages", json=edit), "text-too-long", 422)


async def test_a_group_goes_on_under_another_id(api: httpx2.AsyncClient) -> None:
    there = HELLO | {"chat_id": "-5", "chat_type": "group"}
    said = (await api.post("/v1/chat/handle", json=there)).json()
    move = {"chat_id": -5, "to": -1005}
    assert (await api.post("/v1/chat/move", json=move)).json() == {"moved_sessions": 1}
    assert (await api.post("/v1/chat/move", json=move)).json() == {"moved_sessions": 0}
    assert (await api.get(f"/v1/sessions/{said['session_id']}")).json()["chat_id"] == "-1005"
    assert_problem(await api.post("/v1/chat/move", json=move | {"bot": "nobody"}), "bot-not-found", 404)
