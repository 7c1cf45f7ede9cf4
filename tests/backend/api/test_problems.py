"""What a caller is told when something fails."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from backend.database import Database
from backend.settings import Settings
from tests.backend.api.assertions import assert_problem
from tests.backend.api.running import client_of, serving
from tests.conftest import migrate
from tests.migrations.throwaway import throwaway_database
from tests.processes import unused_port
from tests.simulators.provider import Fails, Provider

HELLO = {"user_id": "anna", "chat_id": "anna", "text": "Hello", "key": "k"}


@pytest.fixture
async def broken(settings: Settings, pool: Database) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application whose database lacks a column that every answer needs."""
    async with throwaway_database(settings, pool) as url:
        migrate(url)
        async with Database(url) as db:
            await db.run("alter table turns drop column window_tokens")
        here = settings.model_copy(update={"database_url": SecretStr(url)})
        async with serving(here) as app, client_of(app) as client:
            yield client


async def test_a_bug_is_told_by_a_number_and_nothing_else(broken: httpx2.AsyncClient) -> None:
    with capture_logs() as logs:
        response = await broken.post("/v1/chat/handle", json=HELLO)
    body = assert_problem(response, "unexpected", 500)
    assert body.keys() == {"type", "title", "status", "request_id"}
    assert len(body["request_id"]) == len(str(uuid4()))
    [entry] = [entry for entry in logs if entry["event"] == "unexpected_error"]
    assert entry["request_id"] == body["request_id"]
    assert "window_tokens" in str(entry["exc_info"])


async def test_a_bug_in_a_stream_is_an_event(broken: httpx2.AsyncClient) -> None:
    response = await broken.post("/v1/chat/stream", json=HELLO)
    assert response.status_code == 200
    assert response.text.rpartition("event: ")[2].startswith('problem\ndata: {"type":"/problems/unexpected",')
    assert "window_tokens" not in response.text


@pytest.fixture
async def without_database(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    url = f"postgresql://llmbot@127.0.0.1:{unused_port()}/llmbot"
    async with serving(settings.model_copy(update={"database_url": SecretStr(url)})) as app, client_of(app) as client:
        yield client


async def test_when_the_database_is_away_a_caller_may_come_again(without_database: httpx2.AsyncClient) -> None:
    for response in (
        await without_database.post("/v1/chat/handle", json=HELLO),
        await without_database.post("/v1/chat/reset", json={"chat_id": "anna"}),
        await without_database.get("/v1/sessions"),
        await without_database.get(f"/v1/sessions/{uuid4()}"),
        await without_database.get(f"/v1/sessions/{uuid4()}/context"),
    ):
        assert_problem(response, "storage-unavailable", 503)
        assert int(response.headers["retry-after"]) > 0


async def test_when_no_model_answers_a_caller_may_come_again(api: httpx2.AsyncClient, provider: Provider) -> None:
    provider.rule = lambda body: Fails(429, retry_after=600)
    response = await api.post("/v1/chat/handle", json=HELLO)
    assert_problem(response, "no-provider-answered", 503)
    assert int(response.headers["retry-after"]) > 0


async def test_an_unknown_bot_and_a_reused_key_are_told(offline_api: httpx2.AsyncClient) -> None:
    (await offline_api.post("/v1/chat/handle", json=HELLO)).raise_for_status()
    reused = await offline_api.post("/v1/chat/handle", json=HELLO | {"text": "Goodbye"})
    assert_problem(reused, "key-reused", 422)
    unknown = await offline_api.post("/v1/chat/handle", json=HELLO | {"bot": "nobody"})
    assert_problem(unknown, "bot-not-found", 404)


async def test_a_key_opens_only_its_own_conversation(offline_api: httpx2.AsyncClient) -> None:
    """Nobody gets another's answer by guessing a key, and nobody's key is in another's way."""
    anna = (await offline_api.post("/v1/chat/handle", json=HELLO)).json()
    for other in ({"user_id": "boris"}, {"chat_id": "group"}, {"thread_id": "7"}):
        reply = await offline_api.post("/v1/chat/handle", json=HELLO | other)
        assert reply.status_code == 200
        assert reply.json()["turn_id"] != anna["turn_id"]


@pytest.mark.parametrize("path", ["/nowhere", "/v1/chat", "/v1/chat/handle/", "/v1/sessions/", "/redoc"])
async def test_an_unknown_path_is_a_problem(offline_api: httpx2.AsyncClient, path: str) -> None:
    assert_problem(await offline_api.get(path), "path-not-found", 404)


async def test_an_unknown_method_is_a_problem_that_names_the_known_ones(offline_api: httpx2.AsyncClient) -> None:
    for method, path, allowed in (
        ("GET", "/v1/chat/handle", "POST"),
        ("DELETE", "/v1/sessions", "GET"),
        ("BREW", "/health", "GET"),
    ):
        response = await offline_api.request(method, path)
        assert_problem(response, "method-not-allowed", 405)
        assert response.headers["allow"] == allowed
