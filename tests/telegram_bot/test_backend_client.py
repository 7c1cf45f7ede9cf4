"""The relay's client meets a backend that is not at its best."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout

from telegram_bot.backend_client import (
    NO_ANSWER_IN_TIME,
    UNREACHABLE,
    BackendClient,
    BackendProblem,
    Conversation,
    Delivery,
    Delta,
    Merged,
    Question,
    TurnStream,
)
from telegram_bot.backend_client.http import Http
from telegram_bot.backend_client.problems import UNNAMED
from tests.simulators.backend import BackendSimulator, Problem, cut, page, problem

ANNA = Conversation(bot="default", chat_id="1", user_id="1")
HELLO = Question(text="hello", key="telegram:1:1:1", chat_type="private")


@pytest.fixture
async def client(backend: BackendSimulator) -> AsyncIterator[BackendClient]:
    async with ClientSession(f"{backend.url}/") as http:
        yield BackendClient(Http(http, pauses=(0, 0)))


async def turn(client: BackendClient) -> Delivery:
    """What comes last in the stream of a turn."""
    async with client.ask(ANNA, HELLO) as stream:
        *_, last = [event async for event in stream]
    assert isinstance(last, Delivery)
    return last


@pytest.mark.parametrize(
    "passing",
    [cut, problem("turn-interrupted", 503), page(429), page(500), page(502), page(503), page(504)],
    ids=["cut", "interrupted", "429", "500", "502", "503", "504"],
)
async def test_what_passes_is_tried_again_but_not_for_ever(
    client: BackendClient, backend: BackendSimulator, passing: Problem
) -> None:
    backend.problems = [passing] * 2
    await client.reset(ANNA)
    backend.problems = [passing] * 3
    with pytest.raises(BackendProblem) as raised:
        await client.reset(ANNA)
    assert raised.value.passing
    assert not backend.problems
    assert len(backend.people.called("reset")) == 1


LASTING = [
    (problem("too-many-messages", 429, retry_after=7), "/problems/too-many-messages"),
    (problem("invalid-request", 422), "/problems/invalid-request"),
    (page(404), UNNAMED),
    (page(200), UNNAMED),
]


@pytest.mark.parametrize(("lasting", "type"), LASTING, ids=["too many", "invalid", "not found", "not the backend"])
async def test_what_lasts_is_told_at_once(
    client: BackendClient, backend: BackendSimulator, lasting: Problem, type: str
) -> None:
    backend.problems = [lasting]
    with pytest.raises(BackendProblem) as raised:
        await client.reset(ANNA)
    assert raised.value.type == type
    assert not raised.value.passing
    assert not backend.people.called("reset")


async def test_a_problem_brings_what_it_says_beside_its_type(client: BackendClient, backend: BackendSimulator) -> None:
    backend.problems = [problem("too-many-messages", 429, retry_after=7)]
    with pytest.raises(BackendProblem) as raised:
        await turn(client)
    assert raised.value.members["retry_after"] == 7


async def test_a_turn_is_accepted_written_and_delivered(client: BackendClient, backend: BackendSimulator) -> None:
    backend.pieces = lambda text: [text[:4], text[4:]]
    async with client.ask(ANNA, HELLO) as stream:
        assert stream.turn_id
        *pieces, delivery = [event async for event in stream]
    assert pieces == [Delta("echo"), Delta(" hello")]
    assert isinstance(delivery, Delivery)
    assert (delivery.kind, delivery.text, delivery.state) == ("answer", "echo hello", "pending")


async def test_an_answer_of_any_length_fits_into_an_event(client: BackendClient, backend: BackendSimulator) -> None:
    backend.answer = lambda text: "слово " * 100_000
    assert (await turn(client)).text == "слово " * 100_000


async def test_a_stream_that_breaks_is_a_passing_problem(client: BackendClient, backend: BackendSimulator) -> None:
    backend.cuts_streams = True
    with pytest.raises(BackendProblem) as raised:
        await turn(client)
    assert raised.value.passing


async def test_a_backend_that_is_not_there_is_unreachable(client: BackendClient, backend: BackendSimulator) -> None:
    await backend.stop()
    with pytest.raises(BackendProblem) as raised:
        await client.reset(ANNA)
    assert raised.value.type == UNREACHABLE


async def test_a_backend_that_never_answers_is_not_waited_for_for_ever() -> None:
    async with AsyncExitStack() as opened:
        listening = socket.create_server(("127.0.0.1", 0))
        opened.callback(listening.close)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        http = await opened.enter_async_context(ClientSession(url, timeout=ClientTimeout(total=0.2)))
        with pytest.raises(BackendProblem) as raised:
            await BackendClient(Http(http, pauses=())).reset(ANNA)
        assert raised.value.type == NO_ANSWER_IN_TIME


@pytest.mark.parametrize("name", ["merged", "human"])
async def test_a_turn_that_somebody_else_answers_ends_without_a_delivery(name: str) -> None:
    async def events() -> AsyncIterator[tuple[str, dict[str, Any]]]:
        yield "delta", {"text": "To begin"}
        yield name, {}

    assert [event async for event in TurnStream(events(), "7")] == [Delta("To begin"), Merged()]
