"""An answer while it is written: the stream of a turn, as server-sent events."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from aiohttp import StreamReader

from telegram_bot.backend_client.problems import UNNAMED, UNREACHABLE, BackendProblem, members_of
from telegram_bot.backend_client.wire import Delivery, read


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the text."""

    text: str


@dataclass(frozen=True, slots=True)
class Restart:
    """The answer begins anew: what came so far is not part of it."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The next message's turn answers this one too, or an operator will: nothing comes of it."""


class TurnStream:
    """What comes after `accepted`: pieces of the answer, and last what is to be delivered, unless the stream breaks."""

    def __init__(self, events: AsyncIterator[tuple[str, dict[str, Any]]], turn_id: str) -> None:
        self._events = events
        self.turn_id = turn_id

    async def __aiter__(self) -> AsyncIterator[Delta | Restart | Merged | Delivery]:
        async for name, data in self._events:
            match name:
                case "delta":
                    yield Delta(data["text"])
                case "restart":
                    yield Restart()
                case "merged" | "human":
                    yield Merged()
                    return
                case "delivery":
                    yield read(Delivery, data)
                    return
                case "problem":
                    raise BackendProblem(str(data.get("type", UNNAMED)), int(data.get("status", 0)), data)
        raise BackendProblem(UNREACHABLE)


async def accepted(content: StreamReader) -> TurnStream:
    """The stream, once the backend has stored the message. Raises BackendProblem if it does not."""
    events = events_of(content)
    async for name, data in events:
        if name == "accepted":
            return TurnStream(events, str(data["turn_id"]))
        raise BackendProblem(str(data.get("type", UNNAMED)), int(data.get("status", 0)), data)
    raise BackendProblem(UNREACHABLE)


async def events_of(content: StreamReader) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Names and data; comments are signs of life and left out."""
    name, data = "", ""
    async with aclosing(_lines(content)) as lines:
        async for line in lines:
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data += value
            elif not line and data:
                yield name, members_of(data.encode())
                name, data = "", ""


async def _lines(content: StreamReader) -> AsyncGenerator[str, None]:
    """Lines of any length: the last event holds a whole answer."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r").decode()
