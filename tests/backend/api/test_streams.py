"""The events of a stream that has nothing to show."""

import asyncio

import httpx2
import pytest

from backend.database import Database
from backend.settings import Settings
from tests.backend.api.assertions import assert_problem
from tests.backend.api.running import client_of, serving
from tests.simulators.provider import Answer, Fails, Provider

HELLO = {"user_id": "anna", "chat_id": "anna", "text": "Hello", "key": "k"}


async def test_a_problem_before_anything_was_written_is_an_event(api: httpx2.AsyncClient, provider: Provider) -> None:
    provider.will(Fails(400))
    response = await api.post("/v1/chat/stream", json=HELLO)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.startswith('event: problem\ndata: {"type":"/problems/no-provider-answered",')
    assert response.text.count("event: ") == 1
    again = await api.post("/v1/chat/handle", json=HELLO)
    assert again.json()["text"] == "You said: Hello"


async def test_an_unknown_bot_is_an_event(api: httpx2.AsyncClient) -> None:
    response = await api.post("/v1/chat/stream", json=HELLO | {"bot": "nobody"})
    assert response.text.startswith('event: problem\ndata: {"type":"/problems/bot-not-found",')


async def test_there_are_signs_of_life_while_the_model_thinks(
    api: httpx2.AsyncClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.01)
    gate = asyncio.Event()
    provider.will(Answer("Hello", gate=gate))
    stream = asyncio.ensure_future(api.post("/v1/chat/stream", json=HELLO))
    await provider.called()
    await asyncio.sleep(0.2)
    gate.set()
    text = (await stream).text
    assert text.startswith(": ping\n\n: ping\n\n")
    assert text.count("event: done") == 1


@pytest.mark.parametrize("path", ["/v1/chat/stream", "/v1/chat/handle"])
async def test_the_model_and_the_transcript_have_what_a_message_refers_to(
    api: httpx2.AsyncClient, provider: Provider, db: Database, path: str
) -> None:
    quote = {"speaker": "Boris", "text": "Let us meet on Friday."}
    await api.post(path, json=HELLO | {"quote": quote})
    said = "In reply to what Boris said:\n> Let us meet on Friday.\n\nHello"
    assert provider.prompts[-1][-1]["content"] == said
    assert [row["content"] for row in await db.run("select content from messages where role = 'user'")] == [said]
    again = await api.post("/v1/chat/handle", json=HELLO)
    assert_problem(again, "key-reused", 422)


@pytest.mark.parametrize("deliver", [False, True])
async def test_a_bot_that_has_models_of_its_own_is_answered_by_them(
    provider: Provider, db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, deliver: bool
) -> None:
    """Also where no other bot has any."""
    monkeypatch.setenv("OWN_BASE_URL", provider.base_url)
    await db.run("insert into bots (slug, name, llm_chain) values ('own', 'Own', 'own:simulated')")
    async with serving(settings) as app, client_of(app) as client:
        for bot, times in (("default", 0), ("own", 1)):
            about = {"bot": bot, "deliver": deliver}
            assert (await client.post("/v1/chat/stream", json=HELLO | about)).status_code == 200
            assert len(provider.calls) == times
