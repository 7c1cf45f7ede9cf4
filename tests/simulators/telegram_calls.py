"""Calls of the Bot API as they come in, and what may go wrong with them."""

import asyncio
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from aiohttp import web
from pydantic import ValidationError

from tests.simulators.telegram_methods import AnyMethod
from tests.simulators.telegram_world import Json, Refused

Uploads = dict[str, tuple[str, bytes]]


@dataclass
class Call:
    """One call of a bot, and how it was answered; status 0: not yet, or the connection was cut."""

    method: str
    arguments: Json
    token: str = ""
    at: float = field(default_factory=time.monotonic)
    status: int = 0


@dataclass
class Fault:
    """What happens to the next `times` calls of a method before they are carried out, and instead; or `after` it."""

    method: str
    times: int = 1
    code: int = 0
    retry_after: int | None = None
    delay: float = 0
    drop: bool = False
    after: bool = False
    says: str = ""
    moved_to: int | None = None


@dataclass
class Trouble:
    """A share of all calls fails, each in one of these ways; `drop_after` means that nobody is told of the success."""

    share: float
    ways: tuple[str, ...] = ("busy", "failed", "drop")
    chance: random.Random = field(default_factory=lambda: random.Random(6))

    def fault(self, method: str) -> Fault | None:
        if self.chance.random() >= self.share:
            return None
        match self.chance.choice(self.ways):
            case "busy":
                return Fault(method, code=429, retry_after=1)
            case "failed":
                return Fault(method, code=500)
            case "drop":
                return Fault(method, drop=True)
            case _:
                return Fault(method, drop=True, after=True)


async def suffer(fault: Fault, request: web.Request) -> None:
    """Raises Refused, unless the fault is a mere delay."""
    await asyncio.sleep(fault.delay)
    if fault.drop and request.transport:
        request.transport.abort()
        raise Refused(0, "dropped")
    if fault.code:
        says = fault.says or f"a fault of {fault.method}"
        raise Refused(fault.code, says, fault.retry_after, fault.moved_to)


async def read_arguments(request: web.Request, method: type[AnyMethod]) -> tuple[Json, Uploads]:
    arguments: Json = dict(request.query)
    uploads: Uploads = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            uploads[name] = (value.filename, value.file.read())
        else:
            arguments[name] = value
    return {name: _decoded(method, name, value) for name, value in arguments.items()}, uploads


def _decoded(method: type[AnyMethod], name: str, value: Any) -> Any:
    """A form holds strings: whatever may not be one is JSON."""
    known = method.model_fields.get(name)
    if known is None or known.annotation is str or str in get_args(known.annotation):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise web.HTTPBadRequest(text=f"{name} is not JSON") from None


def checked(method: type[AnyMethod], arguments: Mapping[str, Any]) -> AnyMethod:
    """The call as the library knows it. Raises Refused."""
    try:
        return method.model_validate(arguments)
    except ValidationError as error:
        raise Refused(400, f"Bad Request: {error}") from None
