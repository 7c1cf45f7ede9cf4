"""What only a real connection shows: large bodies, answers as they are written, and callers who go away."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from backend.database import Database
from tests.backend.api.running import everything
from tests.simulators.provider import Answer, Call, Provider
from tests.simulators.provider_behaviours import begin, chunk_of, send

MEBIBYTE = 1 << 20
JSON = {"Content-Type": "application/json"}


def message(**changes: str) -> dict[str, str]:
    """By a person who has said nothing before."""
    somebody = str(uuid4())
    return {"user_id": somebody, "chat_id": somebody, "text": "Hello"} | changes


@dataclass(frozen=True, slots=True)
class Pauses:
    """Streams the beginning of an answer, and its end only when `gate` is set."""

    beginning: str
    end: str
    gate: asyncio.Event

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        stream = await begin(request, call, self.beginning, len(self.beginning))
        await self.gate.wait()
        await send(stream, chunk_of(call, {"content": self.end}, "stop"))
        await stream.write(b"data: [DONE]\n\n")
        return stream


@pytest.fixture
async def http(live: str, db: Database) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(live, timeout=aiohttp.ClientTimeout(total=30)) as http:
        yield http


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    """A body whose length nobody says beforehand."""
    yield b'{"user_id": "anna", "chat_id": "anna", "text": "'
    for _ in range(size // 65_536):
        yield b"a" * 65_536
    yield b'"}'


async def post_in_pieces(http: aiohttp.ClientSession, size: int) -> tuple[int, dict[str, Any]]:
    async with http.post("/v1/chat/handle", data=in_pieces(size), headers=JSON) as response:
        return response.status, json.loads(await response.read())


@pytest.mark.parametrize("size", [MEBIBYTE, 8 * MEBIBYTE])
async def test_a_body_over_a_mebibyte_is_refused(http: aiohttp.ClientSession, db: Database, size: int) -> None:
    content = io.BytesIO(json.dumps(message(text="a" * size)).encode())
    async with http.post("/v1/chat/handle", data=content, headers=JSON) as response:
        assert (response.status, response.content_type) == (413, "application/problem+json")
        assert (await response.json(content_type=None))["type"] == "/problems/body-too-large"
    status, problem = await post_in_pieces(http, size)
    assert (status, problem["type"]) == (413, "/problems/body-too-large")
    of_the_house = ("agents", "bots", "macros")
    assert not any(rows for table, rows in (await everything(db)).items() if table not in of_the_house)


async def test_a_body_that_says_it_is_too_large_need_not_come(live: str) -> None:
    async with connection_to(live) as (reader, writer):
        writer.write(head_of("/v1/chat/handle", MEBIBYTE + 1))
        assert (await asyncio.wait_for(reader.readline(), 30)).split()[1] == b"413"


async def test_a_body_of_a_mebibyte_is_read(http: aiohttp.ClientSession) -> None:
    padded = json.dumps(message()).ljust(MEBIBYTE)
    async with http.post("/v1/chat/handle", data=padded, headers=JSON) as response:
        assert response.status == 200
    status, problem = await post_in_pieces(http, MEBIBYTE - 65_536)
    assert (status, problem["type"]) == (422, "/problems/text-too-long")


async def test_an_answer_is_streamed_while_it_is_written(http: aiohttp.ClientSession, live_provider: Provider) -> None:
    gate = asyncio.Event()
    live_provider.will(Pauses("Доброе утро, ", "Анна!", gate))
    async with http.post("/v1/chat/stream", json=message()) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        seen = await response.content.readuntil(b"\n\n")
        assert seen.startswith(b'event: delta\ndata: {"text":"')
        gate.set()
        seen += await response.content.read()
    events = read_events(seen.decode())
    assert "".join(data["text"] for name, data in events if name == "delta") == "Доброе утро, Анна!"
    assert [name for name, _ in events if name != "delta"] == ["done"]
    done = events[-1][1]
    assert (done["text"], done["type"]) == ("Доброе утро, Анна!", "message")
    assert done.keys() == {"text", "type", "session_id", "turn_id", "model", "run_id"}


async def test_russian_is_readable_in_the_stream(http: aiohttp.ClientSession, live_provider: Provider) -> None:
    live_provider.will(Answer("Привет", piece=100))
    async with http.post("/v1/chat/stream", json=message()) as response:
        assert 'data: {"text":"Привет"}\n'.encode() in await response.read()


async def test_a_repeated_key_streams_the_same_answer(http: aiohttp.ClientSession, live_provider: Provider) -> None:
    hello, calls = message(key="k"), len(live_provider.calls)
    async with http.post("/v1/chat/handle", json=hello) as response:
        first = await response.json()
    async with http.post("/v1/chat/stream", json=hello) as response:
        assert read_events(await response.text()) == [("delta", {"text": first["text"]}), ("done", first)]
    assert len(live_provider.calls) == calls + 1


async def test_a_caller_who_goes_away_in_the_middle_loses_nothing(
    live: str, http: aiohttp.ClientSession, db: Database, live_provider: Provider
) -> None:
    gate, hello = asyncio.Event(), message(key="k")
    live_provider.will(Pauses("half ", "and half", gate))
    calls = len(live_provider.calls)
    async with connection_to(live) as (reader, writer):
        writer.write(request_of("/v1/chat/stream", hello))
        await reader.readuntil(b"event: delta")
    gate.set()
    async with http.post("/v1/chat/handle", json=hello) as response:
        assert (await response.json())["text"] == "half and half"
    assert len(live_provider.calls) == calls + 1
    assert [row["content"] for row in await db.run("select content from messages order by id")] == [
        "Hello",
        "half and half",
    ]


async def test_a_caller_who_goes_away_before_a_plain_answer_loses_nothing(
    live: str, http: aiohttp.ClientSession, live_provider: Provider
) -> None:
    gate, hello, calls = asyncio.Event(), message(key="k"), len(live_provider.calls)
    live_provider.will(Answer("late", gate=gate))
    async with connection_to(live) as (_, writer):
        writer.write(request_of("/v1/chat/handle", hello))
        await live_provider.called(calls + 1)
    gate.set()
    async with http.post("/v1/chat/handle", json=hello) as response:
        assert (await response.json())["text"] == "late"
    assert len(live_provider.calls) == calls + 1


async def test_a_connection_serves_again_after_a_refusal(live: str, db: Database) -> None:
    async with connection_to(live) as (reader, writer):
        for text, status in (("", b"422"), ("a" * MEBIBYTE, b"413"), ("Hello", b"200")):
            writer.write(request_of("/v1/chat/handle", message(text=text)))
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            assert head.split()[1] == status
            length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length"))
            await reader.readexactly(int(length.split()[1]))


def read_events(stream: str) -> list[tuple[str, dict[str, Any]]]:
    events = []
    for event in stream.removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


@asynccontextmanager
async def connection_to(address: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that is cut at the end of the block, whatever is on its way."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(address).port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def request_of(path: str, body: dict[str, str]) -> bytes:
    content = json.dumps(body).encode()
    return head_of(path, len(content)) + content


def head_of(path: str, length: int) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {length}\r\n\r\n".encode()
