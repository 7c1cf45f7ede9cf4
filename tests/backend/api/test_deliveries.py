"""Deliveries as a relay sees them: over HTTP, with its lease."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import httpx2
import pytest

from backend.bootstrap import Backend
from backend.database import Database
from tests.backend.api.assertions import assert_problem
from tests.backend.api.test_sockets import read_events
from tests.simulators.provider import Answer, Fails, Provider

HELLO = {"user_id": "anna", "chat_id": "anna", "text": "Hello", "key": "k", "deliver": True, "reply_to": 17}
NOTICE = {"chat_id": "42", "text": "A new dialogue has begun."}
LEASE = """
insert into pollers (bot_id, relay, lease_until)
select id, $1, now() + make_interval(secs => $3) from bots where slug = $2
on conflict (bot_id) do update set relay = excluded.relay, lease_until = excluded.lease_until
"""

Leases = Callable[..., Awaitable[UUID]]


@pytest.fixture
async def leases(db: Database) -> AsyncIterator[Leases]:
    """Gives the lease of a bot to a relay, which it makes up."""

    async def lease(bot: str = "default", *, seconds: float = 60) -> UUID:
        relay = uuid4()
        await db.run(LEASE, relay, bot, seconds)
        return relay

    yield lease
    await db.run("delete from pollers")


@pytest.fixture
async def relay(leases: Leases) -> UUID:
    """Holds the lease of the bot `default`."""
    return await leases()


async def notice(api: httpx2.AsyncClient, **changes: Any) -> dict[str, Any]:
    response = await api.post("/v1/deliveries", json=NOTICE | changes)
    assert response.status_code == 201
    delivery: dict[str, Any] = response.json()
    return delivery


async def pending(api: httpx2.AsyncClient, relay: UUID, **wanted: Any) -> list[dict[str, Any]]:
    response = await api.get(f"/v1/relays/{relay}/deliveries", params=wanted)
    data: list[dict[str, Any]] = response.raise_for_status().json()["data"]
    return data


async def tells(api: httpx2.AsyncClient, id: int, relay: UUID, **progress: Any) -> httpx2.Response:
    return await api.patch(f"/v1/deliveries/{id}", json={"relay": str(relay)} | progress)


async def test_a_stream_that_delivers_says_accepted_first_and_ends_with_the_delivery(
    api: httpx2.AsyncClient, relay: UUID
) -> None:
    events = read_events((await api.post("/v1/chat/stream", json=HELLO)).text)
    assert [name for name, _ in events[:1] + events[-1:]] == ["accepted", "delivery"]
    assert events[0][1].keys() == {"turn_id", "session_id"}
    assert "".join(data["text"] for name, data in events if name == "delta") == "You said: Hello"
    told = events[-1][1]
    assert (told["text"], told["kind"], told["reply_to"]) == ("You said: Hello", "answer", "17")
    assert told["turn_id"] == events[0][1]["turn_id"]
    assert await pending(api, relay) == [told]
    again = read_events((await api.post("/v1/chat/stream", json=HELLO)).text)
    assert again == [events[0], events[-1]]


async def test_what_refuses_a_message_is_told_by_the_status(api: httpx2.AsyncClient) -> None:
    assert_problem(await api.post("/v1/chat/stream", json=HELLO | {"bot": "nobody"}), "bot-not-found", 404)
    assert_problem(await api.post("/v1/chat/stream", json=HELLO | {"text": "x" * 32_001}), "text-too-long", 422)


async def test_who_may_not_talk_to_the_bot_is_told_so_and_nothing_is_stored(
    api: httpx2.AsyncClient, db: Database
) -> None:
    await db.run("update bots set access = 'list', allowed_user_ids = '{boris}' where slug = 'default'")
    assert_problem(await api.post("/v1/chat/stream", json=HELLO), "not-allowed", 403)
    assert not await db.run("select from turns")
    assert (await api.post("/v1/chat/stream", json=HELLO | {"user_id": "boris"})).status_code == 200


async def test_a_message_that_comes_again_is_not_counted_again(api: httpx2.AsyncClient, db: Database) -> None:
    await db.run("update bots set messages_per_minute = 1 where slug = 'default'")
    first = read_events((await api.post("/v1/chat/stream", json=HELLO)).text)
    while (refused := await api.post("/v1/chat/stream", json=HELLO | {"key": str(uuid4())})).status_code == 200:
        pass
    assert_problem(refused, "too-many-messages", 429)
    assert int(refused.headers["Retry-After"]) > 0
    assert read_events((await api.post("/v1/chat/stream", json=HELLO)).text)[-1] == first[-1]


async def test_a_problem_is_delivered(api: httpx2.AsyncClient, provider: Provider, relay: UUID) -> None:
    provider.will(Fails(400))
    events = read_events((await api.post("/v1/chat/stream", json=HELLO)).text)
    assert [name for name, _ in events] == ["accepted", "delivery"]
    assert (events[1][1]["kind"], events[1][1]["text"]) == ("problem", "/problems/no-provider-answered")
    assert await pending(api, relay) == [events[1][1]]


async def test_a_notice_is_delivered_once_per_key(offline_api: httpx2.AsyncClient, relay: UUID) -> None:
    buttons = [[{"text": "Undo", "data": "undo:7"}, {"text": "Help", "url": "https://example.org/help"}]]
    about = {"thread_id": 7, "user_id": 5, "reply_to": 3, "language": "ru", "buttons": buttons, "key": "n"}
    first = await notice(offline_api, **about)
    assert first["buttons"] == buttons
    assert (first["kind"], first["text"], first["thread_id"]) == ("notice", NOTICE["text"], "7")
    again = await offline_api.post("/v1/deliveries", json=NOTICE | about)
    assert (again.status_code, again.json()) == (200, first)
    other = await notice(offline_api)
    assert [delivery["id"] for delivery in await pending(offline_api, relay)] == [first["id"], other["id"]]
    assert await pending(offline_api, relay, after=first["id"]) == [other]


async def test_nobody_speaks_for_a_bot_that_there_is_not(offline_api: httpx2.AsyncClient) -> None:
    response = await offline_api.post("/v1/deliveries", json=NOTICE | {"bot": "nobody"})
    assert_problem(response, "bot-not-found", 404)


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""}, {"text": "a\x00b"}, {"chat_id": None}, {"buttons": [[{"text": "neither"}]]}, {"surprise": 1},
        {"buttons": [[{"text": "both", "data": "x", "url": "https://example.org"}]]}, {"buttons": "many"},
        {"buttons": [[{"text": "wrong", "url": "javascript:alert(1)"}]]}, {"buttons": [[{"text": "n"}]] * 200},
    ],
    ids=str,
)  # fmt: skip
async def test_a_bad_notice_is_refused(offline_api: httpx2.AsyncClient, db: Database, wrong: dict[str, Any]) -> None:
    assert_problem(await offline_api.post("/v1/deliveries", json=NOTICE | wrong), "invalid-request", 422)
    assert not await db.run("select from deliveries")


async def test_a_relay_sees_what_its_bots_say_while_it_holds_their_lease(
    offline_api: httpx2.AsyncClient, db: Database, leases: Leases
) -> None:
    await db.run("insert into bots (slug, name, max_answer_length) values ('other', 'Other', 500)")
    await notice(offline_api)
    of_other = await notice(offline_api, bot="other")
    assert of_other["max_length"] == 500
    relay = await leases("other")
    assert await pending(offline_api, relay) == [of_other]
    await db.run(LEASE, relay, "other", -1)
    assert await pending(offline_api, relay) == []
    assert await pending(offline_api, uuid4()) == []


async def test_who_waits_is_woken_by_the_first(offline_api: httpx2.AsyncClient, relay: UUID) -> None:
    waiting = asyncio.ensure_future(pending(offline_api, relay, wait=30))
    await asyncio.sleep(0)
    delivery = await notice(offline_api)
    assert await waiting == [delivery]


async def test_who_waits_sees_what_another_process_has_left(
    offline_api: httpx2.AsyncClient, db: Database, relay: UUID
) -> None:
    waiting = asyncio.ensure_future(pending(offline_api, relay, wait=30))
    await db.run("insert into deliveries (bot_id, chat_id, kind, content) select id, '42', 'notice', 'Hello' from bots")
    assert [delivery["text"] for delivery in await waiting] == ["Hello"]


async def test_parts_are_told_one_by_one(offline_api: httpx2.AsyncClient, db: Database, relay: UUID) -> None:
    id = (await notice(offline_api))["id"]

    async def after(**progress: Any) -> tuple[int | None, int, int | None, str]:
        told = (await tells(offline_api, id, relay, **progress)).raise_for_status().json()
        return told["parts"], told["sent"], told["sending"], told["state"]

    assert await after(parts=2, sending=1) == (2, 0, 1, "pending")
    assert await after(sent=1, message_id=101, sending=2) == (2, 1, 2, "pending")
    assert await after(sent=1, message_id=101, sending=2) == (2, 1, 2, "pending")
    assert await after(sending=None) == (2, 1, None, "pending")
    assert await after(sending=2) == (2, 1, 2, "pending")
    assert await after(sending=2) == (2, 1, 2, "pending")
    assert await after(sent=2, message_id=102, state="sent") == (2, 2, None, "sent")
    [row] = await db.run("select message_ids, repeated, finished_at is not null as finished from deliveries")
    assert (row["message_ids"], row["repeated"], row["finished"]) == (["101", "102"], 1, True)
    assert await pending(offline_api, relay) == []


async def test_what_cannot_be_delivered_is_closed_with_the_reason(
    offline_api: httpx2.AsyncClient, db: Database, relay: UUID
) -> None:
    id = (await notice(offline_api))["id"]
    assert (await tells(offline_api, id, relay, state="failed", problem="blocked")).json()["state"] == "failed"
    assert (await db.run("select problem from deliveries"))[0]["problem"] == "blocked"


async def test_only_the_holder_of_the_lease_tells_and_only_until_the_end(
    offline_api: httpx2.AsyncClient, db: Database, leases: Leases
) -> None:
    before, id = await leases(), (await notice(offline_api))["id"]
    now = await leases()
    assert_problem(await tells(offline_api, id, before, sending=1), "lease-lost", 409)
    assert (await tells(offline_api, id, now, sending=1)).status_code == 200
    await db.run(LEASE, now, "default", -1)
    assert_problem(await tells(offline_api, id, now, sending=1), "lease-lost", 409)
    await db.run(LEASE, now, "default", 60)
    await tells(offline_api, id, now, state="sent")
    assert_problem(await tells(offline_api, id, now, state="failed"), "delivery-over", 409)
    assert_problem(await tells(offline_api, id + 1, now, sending=1), "delivery-not-found", 404)


async def test_notices_are_deleted_days_after_they_arrived_or_with_the_person(
    offline_api: httpx2.AsyncClient, db: Database, relay: UUID, backend: Backend
) -> None:
    old, new, waiting = [(await notice(offline_api, user_id=name))["id"] for name in ("anna", "boris", "clara")]
    for id in (old, new):
        await tells(offline_api, id, relay, state="sent")
    age = "set finished_at = finished_at - interval '49 hours', created_at = created_at - interval '49 hours'"
    await db.run(f"update deliveries {age} where id <> $1", new)
    await backend.chat.deliveries.tidy()
    assert [row["id"] for row in await db.run("select id from deliveries order by id")] == [new, waiting]
    await backend.memory.forget("boris", None)
    assert [row["id"] for row in await db.run("select id from deliveries")] == [waiting]


async def test_after_a_broken_connection_the_delivery_comes_all_the_same(
    live: str, live_provider: Provider, db: Database, leases: Leases
) -> None:
    relay, gate = await leases(), asyncio.Event()
    live_provider.will(Answer("late", gate=gate))
    calls = len(live_provider.calls)
    async with aiohttp.ClientSession(live, timeout=aiohttp.ClientTimeout(total=30)) as http:
        async with http.post("/v1/chat/stream", json=HELLO) as response:
            assert (await response.content.readuntil(b"\n\n")).startswith(b"event: accepted")
            await live_provider.called(calls + 1)
        waiting = asyncio.ensure_future(http.get(f"/v1/relays/{relay}/deliveries", params={"wait": 30}))
        gate.set()
        async with await waiting as response:
            assert [delivery["text"] for delivery in json.loads(await response.read())["data"]] == ["late"]


async def test_what_a_person_asked_for_counts_as_a_message(offline_api: httpx2.AsyncClient, db: Database) -> None:
    await db.run("update bots set messages_per_minute = 2")
    asked_for = NOTICE | {"user_id": "42", "counts": True}
    for key, status in (("a", 201), ("b", 201), ("b", 200), ("a", 200)):
        assert (await offline_api.post("/v1/deliveries", json=asked_for | {"key": key})).status_code == status
    refused = await offline_api.post("/v1/deliveries", json=asked_for | {"key": "c"})
    assert_problem(refused, "too-many-messages", 429)
    assert 0 < refused.json()["retry_after"] <= 30
    assert refused.json()["of"] == "person"
    assert (await offline_api.post("/v1/deliveries", json=asked_for | {"user_id": "43"})).status_code == 201
    await notice(offline_api, user_id="42", key="c")
    counted = await db.run("select key from rates order by key")
    assert [row["key"].partition(" ")[2] for row in counted] == ["42", "43"], "nobody keeps others out by commands"


async def test_a_message_after_too_many_commands_is_one_too_many(offline_api: httpx2.AsyncClient, db: Database) -> None:
    await db.run("update bots set messages_per_minute = 1")
    await notice(offline_api, user_id="anna", counts=True)
    assert_problem(await offline_api.post("/v1/chat/stream", json=HELLO), "too-many-messages", 429)


async def test_what_counts_counts_for_somebody(offline_api: httpx2.AsyncClient) -> None:
    assert_problem(await offline_api.post("/v1/deliveries", json=NOTICE | {"counts": True}), "invalid-request", 422)
    unknown = NOTICE | {"counts": True, "user_id": "42", "bot": "nobody"}
    assert_problem(await offline_api.post("/v1/deliveries", json=unknown), "bot-not-found", 404)


async def test_an_answer_says_which_message_showed_it_while_it_was_written(
    api: httpx2.AsyncClient, relay: UUID
) -> None:
    events = read_events((await api.post("/v1/chat/stream", json=HELLO)).text)
    assert events[-1][1]["shown_as"] == ""
    shown = f"/v1/turns/{events[0][1]['turn_id']}/shown"
    assert (await api.put(shown, json={"relay": str(relay), "message_id": 7})).status_code == 204
    assert [delivery["shown_as"] for delivery in await pending(api, relay)] == ["7"]
    other = {"relay": str(uuid4()), "message_id": 8}
    assert_problem(await api.put(shown, json=other), "lease-lost", 409)
    assert_problem(await api.put(f"/v1/turns/{uuid4()}/shown", json=other), "lease-lost", 409)
