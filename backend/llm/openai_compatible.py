"""A model behind an OpenAI-compatible endpoint: what every provider speaks."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import orjson

from backend.llm import wire
from backend.llm.endpoint import Endpoint, failures_in_our_words
from backend.llm.keepsakes import read_keepsake
from backend.llm.thoughts import ThoughtFilter
from backend.llm.tool_calls import ToolCalls, in_words, offered
from backend.llm.types import Answer, ChatMessage, Outcome, ProviderFailed, Show, Tool, Usage

STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
# How long an answer that is complete waits for its usage and for the end of the stream, which spares a new connection.
AFTERWARDS_SECONDS = 1.0
# What those say who know no tools, or have no such model: a request without them may be answered.
DECLINED = (Outcome.REFUSED, Outcome.DENIED)


class OpenAICompatible:
    """One model at one endpoint; an empty `model` means the first one that the endpoint lists."""

    def __init__(self, name: str, model: str, *, base_url: str, key: str) -> None:
        self.name = name
        self.model = model
        self._chooses = self._must_choose = not model
        self._thinks_unannounced = self._knows_no_tools = False
        self._endpoint = Endpoint(base_url, key)
        self._completions = self._endpoint.under("chat/completions")
        self._models = self._endpoint.under("models")

    async def complete(self, messages: Sequence[ChatMessage], show: Show | None, tools: Sequence[Tool] = ()) -> Answer:
        """Raises `ProviderFailed`. With `show`, the answer is streamed and each visible piece is shown.

        If it declines a request with tools, it is asked without them, and if that is well, from then on always; unless
        they are needed. What was called before is then told to it in words.
        """
        try:
            with failures_in_our_words():
                if self._must_choose:
                    self.model, self._must_choose = await self._first_model(), False
                if not tools and not any(message.tool_calls for message in messages):
                    return _said(await self._ask(self._body(messages), show))
                return await self._ask_with_tools(messages, show, tools)
        except ProviderFailed as failure:
            if failure.outcome is Outcome.DENIED:
                self._must_choose = self._chooses  # the model may have been removed
            raise

    async def close(self) -> None:
        await self._endpoint.close()

    async def list_models(self) -> list[str]:
        """What the endpoint offers. Raises `ProviderFailed`."""
        with failures_in_our_words():
            async with self._endpoint.http.get(self._models) as response:
                reply = wire.read_json(await wire.read_body(response))
            match reply:
                case {"data": [*models]}:
                    return [str(model["id"]) for model in models if isinstance(model, dict) and "id" in model]
        raise ProviderFailed(Outcome.GARBLED, "no list of models")

    async def _first_model(self) -> str:
        for model in await self.list_models():
            if "embed" not in model.lower():  # it would not talk
                return model
        raise ProviderFailed(Outcome.DENIED, "the endpoint lists no models")

    def _body(self, messages: Iterable[ChatMessage], tools: Sequence[Tool] = ()) -> dict[str, Any]:
        body = {"model": self.model, "messages": [wire.written(message, self.name) for message in messages]}
        return {**body, "tools": [*map(offered, tools)]} if tools else body

    async def _ask_with_tools(
        self, messages: Sequence[ChatMessage], show: Show | None, tools: Sequence[Tool]
    ) -> Answer:
        """Of tools, or of what was called before."""
        if any(tool.needed for tool in tools):
            return await self._ask(self._body(messages, tools), show)
        if self._knows_no_tools:
            return await self._ask(self._body(in_words(messages)), show)
        shown = False

        def show_piece(piece: str) -> None:
            nonlocal shown
            shown = True
            if show:
                show(piece)

        try:
            return await self._ask(self._body(messages, tools), show_piece if show else None)
        except ProviderFailed as failure:
            if failure.outcome not in DECLINED or shown:
                raise
        answer = await self._ask(self._body(in_words(messages)), show)
        self._knows_no_tools |= bool(tools)
        return answer

    async def _ask(self, body: Mapping[str, Any], show: Show | None) -> Answer:
        return await (self._ask_for_all(body) if show is None else self._stream(body, show))

    async def _ask_for_all(self, body: Mapping[str, Any]) -> Answer:
        async with self._post(body) as response:
            return self._read_whole(await wire.read_body(response))

    def _post(self, body: Mapping[str, Any]) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._endpoint.http.post(self._completions, data=orjson.dumps(body))

    def _read_whole(self, raw: bytes) -> Answer:
        reply = wire.read_json(raw)
        thoughts, tool_calls, message = ThoughtFilter(), ToolCalls(), wire.read_choice(reply).get("message")
        thoughts.feed(wire.read_content(message))
        thoughts.finish()
        tool_calls.take(message)
        return replace(
            self._answer(thoughts, tool_calls, wire.read_usage(reply)), keepsake=read_keepsake(self.name, message)
        )

    async def _stream(self, body: Mapping[str, Any], show: Show) -> Answer:
        async with self._post({**body, **STREAMED}) as response:
            if not response.ok or response.content_type != "text/event-stream":  # it tells an error, or does not stream
                answer = self._read_whole(await wire.read_body(response))
                if answer.text:
                    show(answer.text)
                return answer
            async with aclosing(wire.read_events(response)) as events:
                return await self._read_stream(events, show)

    async def _read_stream(self, events: AsyncGenerator[bytes, None], show: Show) -> Answer:
        reading = _Reading(ThoughtFilter(patient=self._thinks_unannounced), show)
        try:
            async for event in events:
                reading.take(event)
                if reading.finished:
                    break
        except wire.FAILURES as error:
            raise ProviderFailed(Outcome.CUT, wire.root_of(error)) from None
        if not reading.finished:
            raise ProviderFailed(Outcome.CUT, "the stream ended before the answer did")
        with suppress(TimeoutError, ProviderFailed, *wire.FAILURES):
            async with asyncio.timeout(AFTERWARDS_SECONDS):
                async for event in events:
                    reading.take(event)
        return self._answer(reading.thoughts, reading.tool_calls, reading.usage)

    def _answer(self, thoughts: ThoughtFilter, tool_calls: ToolCalls, usage: Usage) -> Answer:
        self._thinks_unannounced |= thoughts.unannounced
        called = tool_calls.read()
        if not thoughts.text and not called:
            raise ProviderFailed(Outcome.EMPTY, "the answer is empty", usage=usage)
        return Answer(thoughts.text, usage, called)


def _said(answer: Answer) -> Answer:
    """What is an answer where no tools are known. Raises `ProviderFailed`."""
    if not answer.text:
        raise ProviderFailed(Outcome.EMPTY, "it only calls tools, and was offered none", usage=answer.usage)
    return answer


@dataclass(slots=True)
class _Reading:
    """What a stream has brought so far."""

    thoughts: ThoughtFilter
    show: Show
    tool_calls: ToolCalls = field(default_factory=ToolCalls)
    usage: Usage = field(default_factory=Usage)
    finished: bool = False

    def take(self, event: bytes) -> None:
        if event in (b"", b"[DONE]"):
            return
        chunk = wire.read_json(event)
        if chunk.get("usage"):
            self.usage = wire.read_usage(chunk)
        if chunk.get("choices"):  # the usage comes in a chunk without any
            choice = wire.read_choice(chunk)
            delta = choice.get("delta") or {}
            self._show(self.thoughts.feed(wire.read_content(delta)))
            self.tool_calls.take(delta)
            if choice.get("finish_reason"):
                self.finished = True
                self._show(self.thoughts.finish())

    def _show(self, piece: str) -> None:
        if piece:
            self.show(piece)
