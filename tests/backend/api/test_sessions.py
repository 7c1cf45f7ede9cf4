"""Sessions as an operator's program reads them."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from backend.database import Database
from tests.backend.api.assertions import assert_problem
from tests.simulators.provider import Answer, Provider, Usage

SESSION = "insert into chat_sessions (bot_id, user_id, chat_id, created_at) select id, $1, $2, {} from bots limit 1"


async def say(api: httpx2.AsyncClient, text: str, user_id: str = "anna", **more: str) -> dict[str, Any]:
    response = await api.post("/v1/chat/handle", json={"user_id": user_id, "chat_id": "chat", "text": text} | more)
    response.raise_for_status()
    reply: dict[str, Any] = response.json()
    return reply


async def parts(api: httpx2.AsyncClient, path: str, limit: int) -> AsyncIterator[list[dict[str, Any]]]:
    """A list, part by part, as the cursor leads."""
    cursor: dict[str, str] = {}
    while True:
        part = (await api.get(path, params={"limit": limit, **cursor})).raise_for_status().json()
        yield part["items"]
        if part["next_cursor"] is None:
            return
        assert part["next_cursor"] != cursor.get("cursor"), "the list does not go on"
        cursor = {"cursor": part["next_cursor"]}


async def test_a_list_is_gapless_and_without_doubles_while_new_sessions_come_in(
    offline_api: httpx2.AsyncClient, db: Database
) -> None:
    for number in range(10):  # at two moments: what was created at the same one must not get lost between two parts
        moment = f"timestamptz '2026-01-0{1 + number // 5}'"
        await db.run(SESSION.format(moment), f"person {number}", "chat")
    seen = []
    async for part in parts(offline_api, "/v1/sessions", limit=3):
        seen += [session["user_id"] for session in part]
        await db.run(SESSION.format("now()"), str(uuid4()), "new")
    assert set(seen[:5]) == {f"person {number}" for number in range(5, 10)}
    assert set(seen[5:]) == {f"person {number}" for number in range(5)}
    assert len(seen) == 10


@pytest.mark.parametrize("limit", [1, 4, 10, 200])
async def test_the_messages_of_a_session_come_newest_first_and_each_once(
    offline_api: httpx2.AsyncClient, limit: int
) -> None:
    replies = [await say(offline_api, f"message {number}") for number in range(5)]
    session_id = replies[0]["session_id"]
    listed = [item async for part in parts(offline_api, f"/v1/sessions/{session_id}/messages", limit) for item in part]
    assert [message["position"] for message in listed] == list(range(10, 0, -1))
    assert [message["content"] for message in listed][1::2] == [f"message {number}" for number in range(4, -1, -1)]
    assert {message["role"] for message in listed[0::2]} == {"assistant"}


async def test_sessions_are_found_by_their_filters(offline_api: httpx2.AsyncClient, db: Database) -> None:
    await db.run("insert into bots (slug, name) values ('pirate', 'Pirate')")
    await say(offline_api, "Hello", "anna")
    await say(offline_api, "Hello", "boris", bot="pirate")
    await offline_api.post("/v1/chat/reset", json={"chat_id": "chat", "user_id": "anna"})
    await say(offline_api, "Hello again", "anna")

    async def found(**filters: str) -> list[tuple[str, str, bool]]:
        listed = (await offline_api.get("/v1/sessions", params=filters)).json()["items"]
        return [(session["user_id"], session["bot"], session["is_active"]) for session in listed]

    new, old, pirate = ("anna", "default", True), ("anna", "default", False), ("boris", "pirate", True)
    assert await found() == [new, pirate, old]
    assert await found(user_id="anna") == [new, old]
    assert await found(user_id="anna", is_active="true") == [new]
    assert await found(is_active="false") == [old]
    assert await found(bot="pirate") == [pirate]
    assert await found(chat_id="chat", bot="default") == [new, old]
    assert await found(chat_id="elsewhere") == []
    await say(offline_api, "Hello", "clara", thread_id="7")
    assert await found(thread_id="7") == [("clara", "default", True)]
    assert await found(thread_id="") == [new, pirate, old]


async def test_a_session_tells_whose_it_is(offline_api: httpx2.AsyncClient) -> None:
    about = {"thread_id": "7", "chat_type": "group", "language": "ru"}
    session_id = (await say(offline_api, "Hello", **about))["session_id"]
    session = (await offline_api.get(f"/v1/sessions/{session_id}")).json()
    who = {"id": session_id, "bot": "default", "user_id": "anna", "chat_id": "chat", "is_active": True}
    assert (who | about).items() <= session.items()
    assert session["messages_since_summary"] == 2


async def test_every_version_of_a_summary_is_listed(offline_api: httpx2.AsyncClient, db: Database) -> None:
    session_id = (await say(offline_api, "My cat is called Barsik"))["session_id"]
    for version in (1, 2, 3):
        await db.run(
            "insert into conversation_summaries (session_id, version, content, facts, last_position, tokens)"
            " values ($1, $2, $3, $4, 2, 5)",
            session_id, version, f"story {version}", [{"kind": "name", "text": "Barsik"}],
        )  # fmt: skip
    path = f"/v1/sessions/{session_id}/summaries"
    listed = [item async for part in parts(offline_api, path, limit=2) for item in part]
    assert [(summary["version"], summary["content"]) for summary in listed] == [
        (3, "story 3"), (2, "story 2"), (1, "story 1"),
    ]  # fmt: skip
    assert listed[0]["facts"] == [{"kind": "name", "text": "Barsik"}]
    context = (await offline_api.get(f"/v1/sessions/{session_id}/context")).json()
    assert context["summary_version"] == 3
    assert "story 3" in str(context["messages"])
    assert "My cat" not in str(context["messages"])


async def test_the_context_is_what_the_model_would_be_shown(offline_api: httpx2.AsyncClient) -> None:
    reply = await say(offline_api, "My cat is called Barsik")
    context = (await offline_api.get(f"/v1/sessions/{reply['session_id']}/context")).json()
    shown = [(message["role"], message["content"]) for message in context["messages"]]
    assert [line for line in shown if line[0] != "system"] == [
        ("user", "My cat is called Barsik"),
        ("assistant", reply["text"]),
        ("user", "…"),
    ]
    assert 0 < context["tokens"] <= context["budget"]
    assert (context["dropped"], context["summary_version"]) == (0, None)


async def test_a_session_without_messages_has_empty_lists(offline_api: httpx2.AsyncClient, db: Database) -> None:
    await db.run(SESSION.format("now()"), "anna", "chat")
    [session] = (await offline_api.get("/v1/sessions")).json()["items"]
    for view in ("messages", "summaries"):
        listed = await offline_api.get(f"/v1/sessions/{session['id']}/{view}")
        assert listed.json() == {"items": [], "next_cursor": None}


async def test_the_stats_tell_what_a_session_took(api: httpx2.AsyncClient, provider: Provider, db: Database) -> None:
    provider.usual = Answer("hi", usage=Usage(prompt=400, completion=40, cost=0.25))
    session_id = (await say(api, "one"))["session_id"]
    await say(api, "two")
    await say(api, "elsewhere", "boris")
    stats = (await api.get(f"/v1/sessions/{session_id}/stats")).json()
    since = stats.pop("since")
    assert stats == {"messages": 4, "tokens_in": 800, "tokens_out": 80, "cost": 0.5, "summaries": 0}
    assert since == (await api.get(f"/v1/sessions/{session_id}")).json()["created_at"]


@pytest.mark.parametrize("view", ["", "/messages", "/summaries", "/context", "/stats"])
async def test_an_unknown_session_is_not_found(offline_api: httpx2.AsyncClient, view: str) -> None:
    assert_problem(await offline_api.get(f"/v1/sessions/{uuid4()}{view}"), "session-not-found", 404)
