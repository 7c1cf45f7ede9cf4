"""The simulated provider against a plain HTTP client: what a test relies on, byte by byte."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import orjson
import pytest
from aiohttp import ClientConnectionError, ClientPayloadError, ClientSession, ClientTimeout, ServerDisconnectedError

from tests.simulators.provider import (
    BROKEN_JSON,
    Answer,
    Breaks,
    Cuts,
    Fades,
    Fails,
    Hangs,
    Json,
    Provider,
    Usage,
)  # fmt: skip

QUESTION: Json = {"model": "any", "messages": [{"role": "user", "content": "hello"}]}
STREAMED = QUESTION | {"stream": True, "stream_options": {"include_usage": True}}
NO_ANSWER_SECONDS, LONG_SECONDS = 0.1, 10


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider() as provider:
        yield provider


@pytest.fixture
async def http(provider: Provider) -> AsyncIterator[ClientSession]:
    async with ClientSession(provider.base_url + "/", timeout=ClientTimeout(LONG_SECONDS)) as http:
        yield http


async def ask(http: ClientSession, body: Json = QUESTION) -> Json:
    async with http.post("chat/completions", json=body) as response:
        completion: Json = orjson.loads(await response.read())
        return completion


async def text(http: ClientSession) -> str:
    answer: str = (await ask(http))["choices"][0]["message"]["content"]
    return answer


async def events(http: ClientSession) -> list[str]:
    """What stands behind `data:` in the stream, up to its end or its cut."""
    events = []
    async with http.post("chat/completions", json=STREAMED) as response:
        async for line in response.content:
            if line.startswith(b"data: "):
                events.append(line[6:].decode().strip())
    return events


def deltas(events: list[str], field: str) -> list[str]:
    chunks = [orjson.loads(event) for event in events if event != "[DONE]"]
    found = [choice["delta"].get(field) for chunk in chunks for choice in chunk["choices"]]
    return [delta for delta in found if delta]


async def test_it_says_what_was_said_to_it(http: ClientSession) -> None:
    assert await text(http) == "You said: hello"


async def test_behaviours_are_taken_in_order_after_the_rule(provider: Provider, http: ClientSession) -> None:
    provider.rule = lambda body: Answer("ruled") if "rule" in body["messages"][0]["content"] else None
    provider.will(Answer("first"), Answer("second"))
    ruled = await ask(http, {"model": "any", "messages": [{"role": "user", "content": "a rule"}]})
    assert ruled["choices"][0]["message"]["content"] == "ruled"
    assert [await text(http) for _ in range(3)] == ["first", "second", "You said: hello"]


async def test_the_journal_keeps_what_came(provider: Provider, http: ClientSession) -> None:
    raw = b'{"model":"any",  "messages":[{"role":"user","content":"hello"}]}'
    async with http.post("chat/completions", data=raw, headers={"Authorization": "Bearer k"}):
        pass
    assert provider.calls[0].raw == raw
    assert provider.calls[0].headers["Authorization"] == "Bearer k"
    assert provider.prompts == [QUESTION["messages"]]


async def test_an_answer_waits_for_its_gate(provider: Provider, http: ClientSession) -> None:
    gate = asyncio.Event()
    provider.will(Answer(gate=gate), Answer(gate=gate))
    answers = asyncio.gather(text(http), text(http))
    await provider.called(times=2)
    assert await text(http) == "You said: hello"  # others are answered meanwhile
    assert (provider.in_flight, answers.done()) == (2, False)
    gate.set()
    await answers
    assert (provider.in_flight, provider.most_in_flight) == (0, 3)


async def test_an_error_tells_when_to_come_back(provider: Provider, http: ClientSession) -> None:
    provider.will(Fails(429, retry_after=7), Fails(503, retry_after=datetime(2030, 1, 2, tzinfo=UTC)))
    for status, wait in [(429, "7"), (503, "Wed, 02 Jan 2030 00:00:00 GMT")]:
        async with http.post("chat/completions", json=QUESTION) as response:
            assert (response.status, response.headers["Retry-After"]) == (status, wait)


async def test_a_wrong_key_is_refused(provider: Provider, http: ClientSession) -> None:
    provider.key = "right"
    for key, status in [("wrong", 401), ("right", 200)]:
        async with http.get("models", headers={"Authorization": f"Bearer {key}"}) as response:
            assert response.status == status


async def test_usage_is_told_as_scripted(provider: Provider, http: ClientSession) -> None:
    provider.will(Answer(usage=None), Answer(usage=Usage(10, 2, cached=8, cost=0.5)))
    assert "usage" not in await ask(http)
    assert (await ask(http))["usage"] == {
        "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 8}, "cost": 0.5,
    }  # fmt: skip


async def test_a_stream_ends_with_its_usage(provider: Provider, http: ClientSession) -> None:
    provider.will(Answer("<think>", piece=1, reasoning="hm"))
    found = await events(http)
    assert deltas(found, "reasoning_content") == ["h", "m"]
    assert deltas(found, "content") == ["<", "t", "h", "i", "n", "k", ">"]
    assert orjson.loads(found[-3])["choices"][0]["finish_reason"] == "stop"
    assert orjson.loads(found[-2])["usage"]["total_tokens"] == 440
    assert found[-1] == "[DONE]"


async def test_a_stream_fades_or_breaks_without_an_end(provider: Provider, http: ClientSession) -> None:
    provider.will(Fades(after=2), Breaks(after=1))
    faded, broken = await events(http), await events(http)
    assert deltas(faded, "content") == ["You ", "said"]
    assert deltas(broken, "content") == ["You "]
    assert orjson.loads(broken[-1])["error"]["code"] == 502


@pytest.mark.parametrize("body", [QUESTION, STREAMED], ids=["plain", "streamed"])
async def test_a_cut_answer_is_half_an_answer(provider: Provider, http: ClientSession, body: Json) -> None:
    provider.will(Cuts(after=2))
    async with http.post("chat/completions", json=body) as response:
        with pytest.raises(ClientPayloadError):
            await response.read()


async def test_a_connection_is_cut_before_any_answer(provider: Provider, http: ClientSession) -> None:
    provider.will(Cuts(after=0))
    with pytest.raises(ServerDisconnectedError):
        await ask(http)


async def test_a_hanging_call_ends_with_its_caller(provider: Provider, http: ClientSession) -> None:
    provider.will(Hangs())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(http), NO_ANSWER_SECONDS)
    assert await text(http) == "You said: hello"
    assert provider.in_flight == 0


async def test_garbage_is_sent_as_it_is(provider: Provider, http: ClientSession) -> None:
    provider.will(BROKEN_JSON)
    with pytest.raises(orjson.JSONDecodeError):
        await ask(http)


async def test_the_port_can_be_closed_and_opened_again(provider: Provider, http: ClientSession) -> None:
    async with provider.unreachable():
        with pytest.raises(ClientConnectionError):
            await ask(http)
    assert await text(http) == "You said: hello"
