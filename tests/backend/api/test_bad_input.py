"""Whatever is wrong with a request is said clearly, and changes nothing."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from backend.database import Database
from tests.backend.api.assertions import assert_problem
from tests.backend.api.running import everything

HELLO = {"user_id": "anna", "chat_id": "anna", "text": "Hello"}
SOMEBODY = {"chat_id": "anna", "user_id": "anna"}
NOBODY = "00000000-0000-0000-0000-000000000000"
# What no field takes: texts that cannot be stored (JSON can spell them), and other types.
UNFIT: tuple[Any, ...] = ("\x00", "a\x00b", "\ud800", "a\udfff", True, 1.5, [], ["a"], {}, {"a": "b"})


def json_of(good: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps(good | changes).encode()


def unfit(good: dict[str, Any], field: str, *more: Any) -> list[bytes]:
    return [json_of(good, **{field: value}) for value in (*UNFIT, *more)]


TOO_LONG = "x" * 129
UNREADABLE = [
    b"", b"{", b"nonsense", b'{"text": "Hello"', b"\xff\xfe\x00", b'{"text": "\xd0"}', b"[" * 100_000,
    b'{"a":' * 100_000, b"9" * 5_000, b"[]", b'"text"', b"1", b"null", b"{}",
]  # fmt: skip
UNKNOWN: list[dict[str, Any]] = [
    {"mood": "good"}, {"\ud800": 1}, {"long" * 200_000: 1}, {f"unknown {number}": 1 for number in range(50_000)},
]  # fmt: skip
MESSAGES = {
    "nothing that can be read": UNREADABLE,
    "unknown fields": [json_of(HELLO, **unknown) for unknown in UNKNOWN],
    "no text": [json_of({"user_id": "anna", "chat_id": "anna"})],
    "no person": [json_of({"chat_id": "anna", "text": "Hello"})],
    "no chat": [json_of({"user_id": "anna", "text": "Hello"})],
    "text": unfit(HELLO, "text", None, "", " ", "\n\t \u2003", 7),
    "user_id": unfit(HELLO, "user_id", None, "", TOO_LONG, 10**128),
    "chat_id": unfit(HELLO, "chat_id", None, "", TOO_LONG, 10**128),
    "bot": unfit(HELLO, "bot", "", TOO_LONG),
    "thread_id": unfit(HELLO, "thread_id", TOO_LONG),
    "chat_type": unfit(HELLO, "chat_type", "", "village", TOO_LONG, 7),
    "language": unfit(HELLO, "language", TOO_LONG, 7),
    "key": unfit(HELLO, "key", "", TOO_LONG),
}
RESETS = {
    "nothing that can be read": UNREADABLE,
    "unknown fields": [json_of(SOMEBODY, **unknown) for unknown in UNKNOWN],
    "nobody named": [json_of({"user_id": "anna"})],
    "two named": [json_of({"session_id": NOBODY, "chat_id": "anna"}), json_of({"session_id": NOBODY, "user_id": "a"})],
    "session_id": unfit({}, "session_id", "", "nonsense", NOBODY + "0", 7),
    "user_id": unfit(SOMEBODY, "user_id", "", TOO_LONG),
    "chat_id": unfit(SOMEBODY, "chat_id", "", TOO_LONG),
    "bot": unfit(SOMEBODY, "bot", "", TOO_LONG),
    "thread_id": unfit(SOMEBODY, "thread_id", TOO_LONG),
}


def short(value: object) -> str:
    return ascii(value)[:60]


@pytest.fixture
async def said_hello(offline_api: httpx2.AsyncClient) -> None:
    (await offline_api.post("/v1/chat/handle", json=HELLO | {"key": "first"})).raise_for_status()


@pytest.mark.usefixtures("said_hello")
@pytest.mark.parametrize("wrong", MESSAGES)
@pytest.mark.parametrize("path", ["/v1/chat/handle", "/v1/chat/stream"])
async def test_a_bad_message_is_refused_and_changes_nothing(
    offline_api: httpx2.AsyncClient, db: Database, path: str, wrong: str
) -> None:
    await assert_refused(offline_api, db, path, MESSAGES[wrong])


@pytest.mark.usefixtures("said_hello")
@pytest.mark.parametrize("wrong", RESETS)
async def test_a_bad_reset_is_refused_and_changes_nothing(
    offline_api: httpx2.AsyncClient, db: Database, wrong: str
) -> None:
    await assert_refused(offline_api, db, "/v1/chat/reset", RESETS[wrong])


async def assert_refused(api: httpx2.AsyncClient, db: Database, path: str, bodies: Sequence[bytes]) -> None:
    before = await everything(db)
    for body in bodies:
        response = await api.post(path, content=body, headers={"Content-Type": "application/json"})
        assert_problem(response, "invalid-request", 422)
        assert len(response.content) < 10_000
    assert await everything(db) == before


@pytest.mark.parametrize("path", ["/v1/chat/handle", "/v1/chat/stream"])
async def test_a_text_may_be_as_long_as_the_settings_say_and_no_longer(
    offline_api: httpx2.AsyncClient, db: Database, path: str
) -> None:
    longest = {**HELLO, "text": "я" * 32_000}
    too_long = await offline_api.post(path, json=longest | {"text": "я" * 32_001})
    assert assert_problem(too_long, "text-too-long", 422)["limit"] == 32_000
    assert not (await everything(db))["messages"]
    assert (await offline_api.post(path, json=longest)).status_code == 200


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "nonsense", "é"])
async def test_a_body_that_does_not_say_it_is_json_is_not_read(
    offline_api: httpx2.AsyncClient, db: Database, content_type: str
) -> None:
    headers = {b"Content-Type": content_type.encode("latin-1")}
    response = await offline_api.post("/v1/chat/handle", content=json_of(HELLO), headers=headers)
    assert_problem(response, "invalid-request", 422)
    assert "Content-Type: application/json" in response.json()["errors"][0]["message"]
    assert not (await everything(db))["messages"]


@pytest.mark.parametrize("key", ["", "k" * 129])
async def test_a_key_in_the_header_has_the_limits_of_one_in_the_body(
    offline_api: httpx2.AsyncClient, db: Database, key: str
) -> None:
    response = await offline_api.post("/v1/chat/handle", json=HELLO, headers={"Idempotency-Key": key})
    body = assert_problem(response, "invalid-request", 422)
    assert body["errors"][0]["at"] == "header.Idempotency-Key"
    assert not (await everything(db))["messages"]


async def test_a_key_in_the_header_is_the_same_as_one_in_the_body(offline_api: httpx2.AsyncClient) -> None:
    first = await offline_api.post("/v1/chat/handle", json=HELLO, headers={"Idempotency-Key": "k"})
    again = await offline_api.post("/v1/chat/handle", json=HELLO | {"key": "k"})
    assert first.status_code == 200
    assert first.json() == again.json()


async def test_ids_may_be_numbers(offline_api: httpx2.AsyncClient) -> None:
    spelled = {"user_id": "42", "chat_id": "-100", "text": "Hello", "key": "7"}
    first = await offline_api.post("/v1/chat/handle", json=spelled)
    again = await offline_api.post("/v1/chat/handle", json=spelled | {"user_id": 42, "chat_id": -100, "key": 7})
    assert first.status_code == 200
    assert first.json() == again.json()


def cursor(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode()


BROKEN_CURSORS = [
    "", "x", "!!!!", "é", "\x00", cursor(""), cursor("nonsense"), cursor("-1"), cursor(str(2**63)), cursor("9" * 100),
    cursor("2026-01-01"), cursor("0001-01-01T00:00:00+23:59 " + NOBODY), cursor("2026-01-01T00:00:00+00:00 nonsense"),
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN_CURSORS, ids=short)
async def test_a_cursor_that_we_did_not_give_is_refused(offline_api: httpx2.AsyncClient, broken: str) -> None:
    for path in ("/v1/sessions", f"/v1/sessions/{NOBODY}/messages", f"/v1/sessions/{NOBODY}/summaries"):
        assert_problem(await offline_api.get(path, params={"cursor": broken}), "cursor-invalid", 422)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=-1", "limit=", "limit=many", "limit=1.5", f"limit={'9' * 5_000}",
        f"cursor={'x' * 201}", "surprise=1",
    ],
    ids=short,
)  # fmt: skip
async def test_a_wrong_query_is_refused(offline_api: httpx2.AsyncClient, query: str) -> None:
    for path in ("/v1/sessions", f"/v1/sessions/{NOBODY}/messages", f"/v1/sessions/{NOBODY}/summaries"):
        assert_problem(await offline_api.get(f"{path}?{query}"), "invalid-request", 422)


@pytest.mark.parametrize(
    "query", ["user_id=%00", f"chat_id={'x' * 129}", "bot=", "is_active=perhaps", "user_id=a%00b"], ids=short
)
async def test_a_wrong_filter_is_refused(offline_api: httpx2.AsyncClient, query: str) -> None:
    assert_problem(await offline_api.get(f"/v1/sessions?{query}"), "invalid-request", 422)


@pytest.mark.parametrize("query", ["user_id=%ED%A0%80", "user_id=%FF%FE", "user_id=%F0%9F"], ids=short)
async def test_a_filter_that_is_not_utf8_finds_nobody(offline_api: httpx2.AsyncClient, query: str) -> None:
    assert (await offline_api.get(f"/v1/sessions?{query}")).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("session_id", ["1", "nonsense", "%00", "%ED%A0%80", NOBODY + "0", "x" * 1_000], ids=short)
async def test_a_broken_session_id_is_refused(offline_api: httpx2.AsyncClient, session_id: str) -> None:
    for view in ("", "/messages", "/summaries", "/context"):
        assert_problem(await offline_api.get(f"/v1/sessions/{session_id}{view}"), "invalid-request", 422)


async def test_a_problem_says_what_is_wrong_and_where_but_not_what_was_sent(offline_api: httpx2.AsyncClient) -> None:
    secret = {**HELLO, "user_id": "secret" * 30, "text": 7}
    body = assert_problem(await offline_api.post("/v1/chat/handle", json=secret), "invalid-request", 422)
    assert [error["at"] for error in body["errors"]] == ["body.user_id", "body.text"]
    assert "secret" not in json.dumps(body)
