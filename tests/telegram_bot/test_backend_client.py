"""The relay's client meets a backend that is not at its best."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, ClientTimeout

from telegram_bot.backend_client import (
    NO_ANSWER_IN_TIME,
    UNNAMED,
    UNREACHABLE,
    BackendClient,
    BackendProblem,
    Conversation,
    Question,
)
from tests.simulators.backend import BackendSimulator, Problem, cut, page, problem

ANNA = Conversation(chat_id="1", user_id="1")
HELLO = Question(text="hello", key="telegram:1:1:1", chat_type="private")


@pytest.fixture
async def client(backend: BackendSimulator) -> AsyncIterator[BackendClient]:
    async with ClientSession(f"{backend.url}/", timeout=ClientTimeout(total=0.2)) as http:
        yield BackendClient(http, pauses=(0, 0))


@pytest.mark.parametrize(
    "passing",
    [cut, problem("turn-interrupted", 503), page(502), page(504)],
    ids=["cut", "interrupted", "502", "504"],
)
async def test_what_passes_is_tried_again_but_not_for_ever(
    client: BackendClient, backend: BackendSimulator, passing: Problem
) -> None:
    backend.problems = [passing] * 2
    assert await client.answer(ANNA, HELLO) == "echo hello"
    backend.problems = [passing] * 3
    with pytest.raises(BackendProblem):
        await client.answer(ANNA, HELLO)
    assert not backend.problems
    assert len(backend.handled) == 1


@pytest.mark.parametrize(
    ("lasting", "type"),
    [
        (problem("no-provider-answered", 503), "/problems/no-provider-answered"),
        (problem("session-busy", 409), "/problems/session-busy"),
        (problem("invalid-request", 422), "/problems/invalid-request"),
        (page(500), UNNAMED),
        (page(200), UNNAMED),
    ],
    ids=["no provider", "busy", "invalid", "not JSON", "not the backend"],
)
async def test_what_lasts_is_told_at_once(
    client: BackendClient, backend: BackendSimulator, lasting: Problem, type: str
) -> None:
    backend.problems = [lasting]
    with pytest.raises(BackendProblem) as raised:
        await client.answer(ANNA, HELLO)
    assert raised.value.type == type
    assert len(backend.keys_in) == 1


async def test_a_backend_that_is_not_there_is_unreachable(client: BackendClient, backend: BackendSimulator) -> None:
    await backend.stop()
    with pytest.raises(BackendProblem) as raised:
        await client.reset(ANNA)
    assert raised.value.type == UNREACHABLE


async def test_a_backend_that_never_answers_is_not_waited_for_again(
    client: BackendClient, backend: BackendSimulator
) -> None:
    backend.open.clear()
    with pytest.raises(BackendProblem) as raised:
        await client.answer(ANNA, HELLO)
    assert raised.value.type == NO_ANSWER_IN_TIME
    assert len(backend.keys_in) == 1
