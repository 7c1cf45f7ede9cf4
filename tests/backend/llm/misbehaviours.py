"""Ways of a provider to go wrong that only these tests need."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from tests.simulators.provider import Call, Json, Says
from tests.simulators.provider_behaviours import Behaviour, open_stream, send


def http(body: bytes, *, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """A response, byte by byte."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def says(content: object) -> Says:
    """A plain completion with any content."""
    return Says(json.dumps({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}))


def streams(*events: str, end: str = "\n\n") -> Says:
    """A stream of raw events, then its end."""
    return Says("".join(f"data: {event}{end}" for event in events), "text/event-stream")


def delta(content: str, finish: str = "null") -> str:
    return f'{{"choices": [{{"delta": {{"content": {content}}}, "finish_reason": {finish}}}]}}'


def piece(content: str) -> Json:
    return {"choices": [{"delta": {"content": content}}]}


FINISH: Json = {"choices": [{"delta": {}, "finish_reason": "stop"}]}


@dataclass(frozen=True, slots=True)
class Streams:
    """Some chunks; then, once its gate is open, more of them; at last it ends, waits, or is cut."""

    chunks: Sequence[Json]
    gate: asyncio.Event | None = None
    later: Sequence[Json] = ()
    end: str = "ends"

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        stream = await open_stream(request)
        for chunk in self.chunks:
            await send(stream, chunk)
        if self.gate:
            await self.gate.wait()
        for chunk in self.later:
            await send(stream, chunk)
        if self.end == "waits":
            await asyncio.Event().wait()
        if self.end == "is cut" and request.transport:
            request.transport.close()
        return stream


@dataclass(frozen=True, slots=True)
class Compresses:
    """Says that its body is compressed, which it is not."""

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        kind = "text/event-stream" if call.streamed else "application/json"
        return web.Response(body=b"plain", headers={"Content-Encoding": "gzip", "Content-Type": kind})


@dataclass(frozen=True, slots=True)
class Notes:
    """Does what another behaviour does, and notes over which connection and with which query it was asked."""

    behaviour: Behaviour
    connections: set[object] = field(default_factory=set)
    queries: set[str] = field(default_factory=set)

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        assert request.transport
        self.connections.add(request.transport.get_extra_info("peername"))
        self.queries.add(request.query_string)
        return await self.behaviour.perform(request, call)
