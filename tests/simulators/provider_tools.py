"""A simulated provider that calls tools, as the various services write that."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from tests.simulators.provider_behaviours import (
    PIECE,
    Answer,
    Call,
    Fails,
    Json,
    Usage,
    chunk_of,
    head,
    open_stream,
    pieces,
    send,
)

USED, NO_TOOLS = Usage(), Fails(400, message="simulated does not support tools")


@dataclass(frozen=True, slots=True)
class CallsTool:
    """Calls a tool with `arguments`, an object or any text, after saying `text`.

    Without `numbered`, the pieces of a stream do not say which call they belong to.
    """

    name: str
    arguments: Json | str
    text: str = ""
    numbered: bool = True
    finish_reason: str = "tool_calls"

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        if not call.streamed:
            return web.json_response(self._completion(call))
        stream = await open_stream(request)
        for chunk in self._chunks(call):
            await send(stream, chunk)
        await stream.write(b"data: [DONE]\n\n")
        return stream

    def _completion(self, call: Call) -> Json:
        calls = [{"id": "call_1", "type": "function", "function": {"name": self.name, "arguments": self._written()}}]
        message = {"role": "assistant", "content": self.text or None, "tool_calls": calls}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        return head(call) | {"object": "chat.completion", "choices": [choice], "usage": USED.told()}

    def _chunks(self, call: Call) -> Iterator[Json]:
        yield chunk_of(call, {"role": "assistant", "content": None})
        for piece in pieces(self.text, PIECE):
            yield chunk_of(call, {"content": piece})
        begin = {"id": "call_1", "type": "function", "function": {"name": self.name, "arguments": ""}}
        yield chunk_of(call, self._delta(begin))
        for piece in pieces(self._written(), PIECE):
            yield chunk_of(call, self._delta({"function": {"arguments": piece}}))
        yield chunk_of(call, {}, self.finish_reason)
        yield chunk_of(call, {}) | {"choices": [], "usage": USED.told()}

    def _delta(self, called: dict[str, Any]) -> Json:
        return {"tool_calls": [({"index": 0} if self.numbered else {}) | called]}

    def _written(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else orjson.dumps(self.arguments).decode()


@dataclass(frozen=True, slots=True)
class KnowsNoTools:
    """Refuses a request with tools; to any other it says what was said to it."""

    refusal: Fails = NO_TOOLS

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        if "tools" in call.body:
            return await self.refusal.perform(request, call)
        return await Answer().perform(request, call)
