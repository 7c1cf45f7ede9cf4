"""What a simulated provider can do with a call, and how that looks on the wire."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Protocol

import orjson
from aiohttp import web

Json = dict[str, Any]

# How many characters of an answer a stream brings at a time.
PIECE = 4
CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


@dataclass(frozen=True, slots=True)
class Call:
    """A request for a completion, as it came; `at` is in seconds since the epoch."""

    raw: bytes
    headers: Mapping[str, str]
    at: float

    @property
    def body(self) -> Json:
        body: Json = orjson.loads(self.raw)
        return body

    @property
    def messages(self) -> list[dict[str, str]]:
        messages: list[dict[str, str]] = self.body["messages"]
        return messages

    @property
    def streamed(self) -> bool:
        return bool(self.body.get("stream"))


class Behaviour(Protocol):
    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse: ...


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call is said to have used; `cost` is OpenRouter's, in US dollars."""

    prompt: int = 400
    completion: int = 40
    cached: int | None = None
    cost: float | None = None

    def told(self) -> Json:
        usage: Json = {"prompt_tokens": self.prompt, "completion_tokens": self.completion}
        usage["total_tokens"] = self.prompt + self.completion
        if self.cached is not None:
            usage["prompt_tokens_details"] = {"cached_tokens": self.cached}
        return usage if self.cost is None else usage | {"cost": self.cost}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, after `delay` seconds, and not before `gate` is set; None repeats what was said.

    A stream brings it in pieces of `piece` characters: 1 splits every tag. Without `usage` none is told.
    """

    text: str | None = None
    delay: float = 0
    gate: asyncio.Event | None = None
    piece: int = PIECE
    reasoning: str = ""
    usage: Usage | None = Usage()
    finish_reason: str = "stop"

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        if self.gate:
            await self.gate.wait()
        if not call.streamed:
            return web.json_response(self._completion(call))
        stream = await open_stream(request)
        for chunk in self._chunks(call):
            await send(stream, chunk)
        await stream.write(b"data: [DONE]\n\n")
        return stream

    def _completion(self, call: Call) -> Json:
        message = {"role": "assistant", "content": said(call, self.text)}
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        completion = head(call) | {"object": "chat.completion", "choices": [choice]}
        return completion | ({"usage": self.usage.told()} if self.usage else {})

    def _chunks(self, call: Call) -> Iterator[Json]:
        yield chunk_of(call, {"role": "assistant", "content": ""})
        for piece in pieces(self.reasoning, self.piece):
            yield chunk_of(call, {"reasoning_content": piece})
        for piece in pieces(said(call, self.text), self.piece):
            yield chunk_of(call, {"content": piece})
        yield chunk_of(call, {}, self.finish_reason)
        if self.usage and call.body.get("stream_options", {}).get("include_usage"):
            yield chunk_of(call, {}) | {"choices": [], "usage": self.usage.told()}


@dataclass(frozen=True, slots=True)
class Fails:
    """An error with its status; `retry_after` is in seconds, a moment, or any text for the header."""

    status: int
    retry_after: int | str | datetime | None = None
    message: str = "The simulator was told to fail."

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        wait = self.retry_after
        if isinstance(wait, datetime):
            wait = format_datetime(wait, usegmt=True)
        headers = {} if wait is None else {"Retry-After": str(wait)}
        return refusal(self.status, self.message, headers)


@dataclass(frozen=True, slots=True)
class Says:
    """Any body with status 200, such as one that is no completion."""

    body: str
    content_type: str = "application/json"

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        return web.Response(text=self.body, content_type=self.content_type)


BROKEN_JSON = Says('{"choices": [{"message": {"role": "assis')
OTHER_SHAPE = Says('{"result": {"output": ["Hello"]}}')
WEB_PAGE = Says("<!doctype html><title>502</title><h1>Bad gateway</h1>", "text/html")


@dataclass(frozen=True, slots=True)
class Hangs:
    """Never answers, or stops answering after some pieces of a stream."""

    after: int = 0
    text: str | None = None

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        if self.after and call.streamed:
            await begin(request, call, self.text, self.after)
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")


@dataclass(frozen=True, slots=True)
class Cuts:
    """Closes the connection after some pieces of a stream, or amid a plain answer; 0: before any of it."""

    after: int = 3
    text: str | None = None

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        if self.after and call.streamed:
            response = await begin(request, call, self.text, self.after)
        elif self.after:
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b'{"choices": [')
        else:
            response = web.Response()
        if request.transport:
            request.transport.close()
        return response


@dataclass(frozen=True, slots=True)
class Fades:
    """Ends a stream after some pieces in good order, but without a finish reason and [DONE]."""

    after: int = 3
    text: str | None = None

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        return await begin(request, call, self.text, self.after)


@dataclass(frozen=True, slots=True)
class Breaks:
    """An error with status 200, as OpenRouter reports it: amid a stream, or as the whole plain body."""

    after: int = 3
    text: str | None = None
    code: int = 502
    message: str = "Provider disconnected"

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        error = {"error": {"code": self.code, "message": self.message}}
        if not call.streamed:
            return web.json_response(error)
        stream = await begin(request, call, self.text, self.after)
        await send(stream, chunk_of(call, {"content": ""}, "error") | error)
        return stream


# What goes over the wire.


def said(call: Call, text: str | None) -> str:
    """The text of an answer; None repeats what the person said last."""
    if text is not None:
        return text
    questions = [written(message["content"]) for message in call.messages if message["role"] == "user"]
    return "You said: " + (questions[-1] if questions else "")


def written(content: str | list[Json]) -> str:
    """What a message says; an image among it is told by its kind."""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text") or part["image_url"]["url"].partition(";")[0] for part in content)


def pieces(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


def head(call: Call) -> Json:
    return {"id": "chatcmpl-simulated", "created": int(call.at), "model": call.body["model"]}


def chunk_of(call: Call, delta: Json, finish_reason: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return head(call) | {"object": "chat.completion.chunk", "choices": [choice]}


async def open_stream(request: web.Request) -> web.StreamResponse:
    """A stream that begins with a comment, as OpenRouter's do while a model is warming up."""
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await stream.prepare(request)
    await stream.write(b": OPENROUTER PROCESSING\n\n")
    return stream


async def send(stream: web.StreamResponse, chunk: Json) -> None:
    await stream.write(b"data: " + orjson.dumps(chunk) + b"\n\n")


async def begin(request: web.Request, call: Call, text: str | None, count: int) -> web.StreamResponse:
    """A stream, with the first pieces of an answer."""
    stream = await open_stream(request)
    for piece in list(pieces(said(call, text), PIECE))[:count]:
        await send(stream, chunk_of(call, {"content": piece}))
    return stream


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    code = CODES.get(status, "server_error")
    error = {"message": message, "type": code, "param": None, "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)
