"""Memory over HTTP: searched with its reasons, and forgotten with a receipt."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from backend.database import Database
from backend.memory.words import index_words
from backend.settings import Settings
from tests.backend.api.running import client_of, serving

MESSAGE = {"user_id": "anna", "chat_id": "anna", "user_name": "Anna", "text": "My cat is called Luna"}
SEARCH = {"user_id": "anna", "text": "What is the cat called?"}
NOTHING = {"strength": "none", "by": "words", "passages": []}


@pytest.fixture
async def api(asking_the_provider: Settings, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(asking_the_provider) as app, client_of(app) as client:
        assert (await client.post("/v1/chat/handle", json=MESSAGE)).status_code == 200
        await index_words(db, 100)
        yield client


async def found(api: httpx2.AsyncClient, **changed: Any) -> Any:
    response = await api.post("/v1/memory/search", json={**SEARCH, **changed})
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_passage_comes_with_who_said_it_and_why_it_was_found(api: httpx2.AsyncClient) -> None:
    passages = (await found(api))["passages"]
    [said] = [passage for passage in passages if passage["role"] == "user"]
    assert (said["content"], said["speaker"]) == ("My cat is called Luna", "Anna")
    assert said["score"] == pytest.approx(sum(said["why"].values()), abs=1e-4)
    assert [passage["speaker"] for passage in passages if passage["role"] == "assistant"] == ["Assistant"]


async def test_there_are_no_more_passages_than_wanted(api: httpx2.AsyncClient) -> None:
    assert len((await found(api, limit=1))["passages"]) == 1


async def test_nobody_else_finds_it(api: httpx2.AsyncClient) -> None:
    assert await found(api, user_id="boris") == NOTHING
    nobody: dict[str, Any] = {"user_id": None, "chat_id": "anna"}
    assert await found(api, **nobody) == NOTHING


@pytest.mark.parametrize(
    "wrong",
    [
        {"user_id": None},
        {"chat_id": "anna"},
        {"text": " "},
        {"text": "x" * 32_001},
        {"limit": 0},
        {"limit": 51},
        {"at": "yesterday"},
        {"at": "2026-11-21T12:00:00"},
        {"who": "anna"},
    ],
)
async def test_a_search_for_nobody_or_nothing_is_refused(api: httpx2.AsyncClient, wrong: dict[str, Any]) -> None:
    response = await api.post("/v1/memory/search", json={**SEARCH, **wrong})
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-request")


async def test_an_unknown_bot_has_no_memory(api: httpx2.AsyncClient) -> None:
    response = await api.post("/v1/memory/search", json={**SEARCH, "bot": "unknown"})
    assert (response.status_code, response.json()["type"]) == (404, "/problems/bot-not-found")


async def test_who_is_forgotten_gets_a_receipt_and_is_found_no_more(api: httpx2.AsyncClient) -> None:
    response = await api.delete("/v1/memory", params={"user_id": "anna"})
    assert response.json() == {
        "sessions": 1, "turns": 1, "messages": 2, "summaries": 0, "documents": 0, "deliveries": 0,
        "runs": 0, "calls": 0, "grants": 0, "admissions": 0, "embeddings": 2, "vectors": 0,
        "left": 0, "found": 0,
    }  # fmt: skip
    assert await found(api) == NOTHING
    again = await api.delete("/v1/memory", params={"user_id": "anna", "bot": "default"})
    assert again.json()["messages"] == 0


async def test_somebody_has_to_be_named(api: httpx2.AsyncClient) -> None:
    for wrong in ({}, {"user_id": ""}, {"user_id": "anna", "chat_id": "anna"}):
        assert (await api.delete("/v1/memory", params=wrong)).status_code == 422
    assert (await found(api))["passages"]
