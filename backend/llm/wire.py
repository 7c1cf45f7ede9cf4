"""What OpenAI-compatible endpoints send, in our words; whatever else they send is a `ProviderFailed`."""

import re
from base64 import b64encode
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from backend.llm.keepsakes import with_keepsake
from backend.llm.tool_calls import called
from backend.llm.types import ChatMessage, Outcome, ProviderFailed, Usage

# What a connection raises; a ValueError comes of a key that fits into no header.
FAILURES = (aiohttp.ClientError, OSError, ValueError)

LONGEST_LINE, LONGEST_BODY = 1 << 20, 64 << 20
# Beyond these, a provider tells nonsense that no column holds.
MOST_TOKENS, HIGHEST_COST = 100_000_000, 1_000.0


def written(message: ChatMessage, provider: str = "") -> dict[str, Any]:
    """A message as endpoints take it; a picture goes along as an address that holds all of it."""
    if message.tool_calls:  # some refuse an empty text
        calls = [called(call) for call in message.tool_calls]
        said = {"role": message.role, "content": message.content or None, "tool_calls": calls}
        return with_keepsake(said, message.keepsake, provider)
    if message.answers:
        return {"role": message.role, "content": message.content, "tool_call_id": message.answers}
    if not message.media:
        return {"role": message.role, "content": message.content}
    url = f"data:{message.media.media_type};base64,{b64encode(message.media.content).decode()}"
    picture = {"type": "image_url", "image_url": {"url": url}}
    return {"role": message.role, "content": [{"type": "text", "text": message.content}, picture]}


async def read_body(response: aiohttp.ClientResponse) -> bytes:
    """The body of a good response. Raises `ProviderFailed` for any other, and what aiohttp does."""
    raw = await _read_whole(response)
    if response.ok:
        return raw
    raise _refusal(response.status, _code_in(raw), _retry_after(response.headers))


async def _read_whole(response: aiohttp.ClientResponse) -> bytes:
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        if (size := size + len(piece)) > LONGEST_BODY:
            raise ProviderFailed(Outcome.GARBLED, "an endless body")
    return b"".join(pieces)


async def read_events(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The data of each server-sent event. Raises what aiohttp does."""
    held = b""
    async for piece in response.content.iter_any():
        *lines, held = (held + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line.removeprefix(b"data:").strip()
        if len(held) > LONGEST_LINE:
            raise ProviderFailed(Outcome.GARBLED, "an endless line")


def read_json(raw: bytes) -> dict[str, Any]:
    """A reply, or a chunk of one. An error may come with status 200, as OpenRouter's do, also amid a stream."""
    try:
        reply = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ProviderFailed(Outcome.GARBLED, "not JSON") from None
    if not isinstance(reply, dict):
        raise ProviderFailed(Outcome.GARBLED, "no object")
    if error := reply.get("error"):
        raise _told_failure(error)
    return reply


def read_choice(reply: dict[str, Any]) -> dict[str, Any]:
    """The first choice, of which there is one."""
    match reply.get("choices"):
        case [dict() as choice, *_]:
            pass
        case _:
            raise ProviderFailed(Outcome.GARBLED, "no choices")
    if choice.get("error") or choice.get("finish_reason") == "error":
        raise _told_failure(choice.get("error"))
    return choice


def read_content(said: object) -> str:
    """The text of a message or a delta, without NULs: Postgres keeps none."""
    content = said.get("content") or "" if isinstance(said, dict) else None
    if not isinstance(content, str):
        raise ProviderFailed(Outcome.GARBLED, "the content is no text")
    return content.replace("\0", "")


def read_usage(reply: Mapping[str, Any]) -> Usage:
    """Whatever of it is told and can be true; `cost` is OpenRouter's."""
    told = reply.get("usage")
    if not isinstance(told, dict):
        return Usage()
    details = told.get("prompt_tokens_details")
    return Usage(
        tokens_in=_count(told.get("prompt_tokens")),
        tokens_out=_count(told.get("completion_tokens")),
        tokens_cached=_count(details.get("cached_tokens")) if isinstance(details, dict) else None,
        cost=_cost(told.get("cost")),
    )


def _count(told: object) -> int | None:
    return told if type(told) is int and 0 <= told <= MOST_TOKENS else None


def _cost(told: object) -> float | None:
    return float(told) if isinstance(told, int | float) and 0 <= told <= HIGHEST_COST else None


def failure_of(error: Exception) -> ProviderFailed:
    """One of `FAILURES` in our words. Its text stays out, since it may quote the prompt or the key."""
    outcome = Outcome.GARBLED if isinstance(error, ValueError) else Outcome.UNAVAILABLE
    return ProviderFailed(outcome, root_of(error))


def root_of(error: BaseException) -> str:
    """What is beneath an error, as `ConnectionRefusedError`."""
    while error.__cause__:
        error = error.__cause__
    return type(error).__name__


def _code_in(raw: bytes) -> object:
    """The provider's name for the error that a body tells, if it tells one."""
    try:
        match orjson.loads(raw):
            case {"error": {"code": code}}:
                return code
    except orjson.JSONDecodeError:
        pass
    return None


def _told_failure(error: object) -> ProviderFailed:
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and 400 <= code <= 599:
        return _refusal(code, None, None)
    return ProviderFailed(Outcome.UNAVAILABLE, f"an error instead of an answer{_named(code)}")


def _refusal(status: int, code: object, wait: float | None) -> ProviderFailed:
    reason = f"status {status}{_named(code)}"
    match status:
        case 429:
            return ProviderFailed(Outcome.RATE_LIMITED, reason, retry_after=wait)
        case 400 | 403 | 413 | 422:
            return ProviderFailed(Outcome.REFUSED, reason)
        case 408:
            return ProviderFailed(Outcome.UNAVAILABLE, reason, retry_after=wait)
        case _ if status >= 500:
            return ProviderFailed(Outcome.UNAVAILABLE, reason, retry_after=wait)
        case _:
            return ProviderFailed(Outcome.DENIED, reason)


def _named(code: object) -> str:
    """A provider's own name for an error, such as `model_not_found`, if it is one."""
    return f" ({code})" if isinstance(code, str) and re.fullmatch(r"[a-z][a-z_]{2,40}", code) else ""


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
