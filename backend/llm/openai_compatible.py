"""A model behind an OpenAI-compatible endpoint: what every provider speaks."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from json import JSONDecodeError
from typing import Any

import openai
from openai import AsyncOpenAI, AsyncStream

from backend.llm.thoughts import ThoughtFilter, without_thoughts
from backend.llm.types import Answer, ChatMessage, Outcome, ProviderFailed, Show, Usage

PATH = "/chat/completions"


class OpenAICompatible:
    """One model at one endpoint; an empty `model` means the first one that the endpoint lists.

    The request goes through the client's `post` and comes back as plain JSON: `chat.completions.create` spends
    milliseconds on walking every parameter and on building models that nobody reads (see docs/performance.md).
    """

    def __init__(self, name: str, model: str, client: AsyncOpenAI) -> None:
        self.name = name
        self.model = model
        self._client = client

    async def complete(self, messages: Sequence[ChatMessage], show: Show | None) -> Answer:
        """Raises `ProviderFailed`. With `show`, the answer is streamed and each visible piece is shown."""
        try:
            self.model = self.model or await self._first_model()
            body = {
                "model": self.model,
                "messages": [{"role": m.role, "content": m.content} for m in messages],
            }
            return await (self._ask(body) if show is None else self._stream(body, show))
        except openai.OpenAIError as error:
            raise _failure(error) from error
        except JSONDecodeError as error:
            raise ProviderFailed(Outcome.GARBLED, "the answer is not JSON") from error

    async def close(self) -> None:
        await self._client.close()

    async def list_models(self) -> list[str]:
        """What the endpoint offers. Raises `openai.OpenAIError`."""
        return [model.id async for model in self._client.models.list()]

    async def _first_model(self) -> str:
        for model in await self.list_models():
            return model
        raise ProviderFailed(Outcome.REFUSED, "the endpoint lists no models")

    async def _ask(self, body: dict[str, Any]) -> Answer:
        reply = await self._client.post(PATH, body=body, cast_to=object)
        text = without_thoughts(_choice(reply, "message").get("content") or "")
        if not text:
            raise ProviderFailed(Outcome.EMPTY, "the answer is empty")
        return Answer(text, _usage(reply))

    async def _stream(self, body: dict[str, Any], show: Show) -> Answer:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        stream = await self._client.post(PATH, body=body, cast_to=object, stream=True, stream_cls=AsyncStream[object])
        thoughts, text, usage, finished = ThoughtFilter(), "", Usage(), False
        async with stream:
            async for chunk in stream:
                if not isinstance(chunk, dict):
                    raise ProviderFailed(Outcome.GARBLED, "a part of the stream is no object")
                usage = _usage(chunk) if chunk.get("usage") else usage
                if chunk.get("choices"):  # the usage comes last, in a chunk without any
                    text = _shown(text, thoughts.feed(_choice(chunk, "delta").get("content") or ""), show)
                    finished = finished or bool(chunk["choices"][0].get("finish_reason"))
        text = _shown(text, thoughts.finish(), show)
        if not finished:
            raise ProviderFailed(Outcome.CUT, "the stream ended before the answer did")
        if not text.strip():
            raise ProviderFailed(Outcome.EMPTY, "the answer is empty")
        return Answer(text.strip(), usage)


def _shown(text: str, piece: str, show: Show) -> str:
    piece = piece if text else piece.lstrip()  # what is left of a thought's line break
    if piece:
        show(piece)
    return text + piece


def _choice(reply: object, part: str) -> Mapping[str, Any]:
    """The message or delta of a reply's only choice."""
    try:
        found = reply["choices"][0][part]  # type: ignore[index]
    except (TypeError, LookupError) as error:
        raise ProviderFailed(Outcome.GARBLED, "the answer has no choices") from error
    if not isinstance(found, dict) or not isinstance(found.get("content") or "", str):
        raise ProviderFailed(Outcome.GARBLED, f"the answer's {part} is not one")
    return found


def _usage(reply: Any) -> Usage:
    """Whatever of it is told; `cost` is OpenRouter's."""
    told = reply.get("usage")
    if not isinstance(told, dict):
        return Usage()
    details = told.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    cost = told.get("cost")
    return Usage(
        tokens_in=_count(told.get("prompt_tokens")),
        tokens_out=_count(told.get("completion_tokens")),
        tokens_cached=_count(cached),
        cost=float(cost) if isinstance(cost, int | float) else None,
    )


def _count(told: object) -> int | None:
    return told if isinstance(told, int) else None


def _failure(error: openai.OpenAIError) -> ProviderFailed:
    """The vendor's error in our words; its text stays out, since it may quote the prompt."""
    reason = type(error).__name__
    if isinstance(error, openai.APITimeoutError):
        return ProviderFailed(Outcome.TIMEOUT, reason)
    if isinstance(error, openai.APIResponseValidationError):
        return ProviderFailed(Outcome.GARBLED, reason)
    if not isinstance(error, openai.APIStatusError):  # no connection, a cut one, or an error inside a stream
        return ProviderFailed(Outcome.UNAVAILABLE, reason)
    wait = _retry_after(error.response.headers)
    if error.status_code == 429:
        return ProviderFailed(Outcome.RATE_LIMITED, reason, retry_after=wait)
    if error.status_code >= 500 or error.status_code == 408:
        return ProviderFailed(Outcome.UNAVAILABLE, reason, retry_after=wait)
    return ProviderFailed(Outcome.REFUSED, f"{reason} {error.status_code}")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from either form of the header (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
