"""A simulated provider that calls tools, as the various services write that.

One call:        provider.will(CallsTool("shell", {"command": ["ls"]}))
Several at once: provider.will(CallsTools(ToolUse("shell", {…}), ToolUse("memory_search", {…}), text="I look."))
A conversation:  see tests/simulators/provider_scenes.py
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
class ToolUse:
    """A call of a tool with `arguments`, an object or any text.

    Without an `id` it gets one that tells where in the conversation it stands, as `call_2_1`; None sends none.
    """

    name: str
    arguments: Json | str
    id: str | None = ""

    def written(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else orjson.dumps(self.arguments).decode()

    def named(self, round: int, place: int) -> "ToolUse":
        return replace(self, id=f"call_{round}_{place}") if self.id == "" else self

    def head(self, arguments: str) -> Json:
        whole = {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": arguments}}
        return {key: value for key, value in whole.items() if value is not None}


class CallsTools:
    """Calls several tools at once, after saying `text`.

    Without `numbered`, the pieces of a stream do not say which call they belong to.
    """

    def __init__(
        self, *uses: ToolUse, text: str = "", numbered: bool = True, finish_reason: str = "tool_calls"
    ) -> None:
        self.uses = uses
        self.text = text
        self.numbered = numbered
        self.finish_reason = finish_reason

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        if not call.streamed:
            return web.json_response(self._completion(call))
        stream = await open_stream(request)
        for chunk in self._chunks(call):
            await send(stream, chunk)
        await stream.write(b"data: [DONE]\n\n")
        return stream

    def _named(self, call: Call) -> Iterator[ToolUse]:
        round = 1 + sum(message["role"] == "assistant" for message in call.messages)
        return (use.named(round, place) for place, use in enumerate(self.uses, 1))

    def _completion(self, call: Call) -> Json:
        calls = [use.head(use.written()) for use in self._named(call)]
        message = {"role": "assistant", "content": self.text or None, "tool_calls": calls}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        return head(call) | {"object": "chat.completion", "choices": [choice], "usage": USED.told()}

    def _chunks(self, call: Call) -> Iterator[Json]:
        yield chunk_of(call, {"role": "assistant", "content": None})
        for piece in pieces(self.text, PIECE):
            yield chunk_of(call, {"content": piece})
        for index, use in enumerate(self._named(call)):
            yield chunk_of(call, self._delta(index, use.head("")))
            for piece in pieces(use.written(), PIECE):
                yield chunk_of(call, self._delta(index, {"function": {"arguments": piece}}))
        yield chunk_of(call, {}, self.finish_reason)
        yield chunk_of(call, {}) | {"choices": [], "usage": USED.told()}

    def _delta(self, index: int, called: dict[str, Any]) -> Json:
        return {"tool_calls": [({"index": index} if self.numbered else {}) | called]}


class CallsTool(CallsTools):
    """Calls one tool."""

    def __init__(
        self,
        name: str,
        arguments: Json | str,
        text: str = "",
        *,
        numbered: bool = True,
        finish_reason: str = "tool_calls",
    ) -> None:
        super().__init__(ToolUse(name, arguments), text=text, numbered=numbered, finish_reason=finish_reason)


@dataclass(frozen=True, slots=True)
class KnowsNoTools:
    """Refuses a request with tools, or one that speaks of them; to any other it says what was said to it."""

    refusal: Fails = NO_TOOLS

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        if "tools" in call.body or any(message["role"] == "tool" for message in call.messages):
            return await self.refusal.perform(request, call)
        return await Answer().perform(request, call)
