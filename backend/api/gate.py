"""What every request passes: who may ask, how much they may send, and an end for whatever goes wrong."""

import hmac
import ipaddress
from collections.abc import Sequence
from uuid import uuid4

import structlog
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.errors import Problem, TooLarge, Unauthorized

log = structlog.get_logger(__name__)

MOST_BYTES = 1 << 20
OPEN_PATHS = frozenset({"/health"})


class BodyTooLarge(TooLarge):
    """The body is larger than 1 MiB."""


class Gate:
    """ASGI middleware. With keys, a caller needs one; without, only callers on this machine are served."""

    def __init__(self, app: ASGIApp, *, keys: Sequence[str]) -> None:
        self._app = app
        self._keys = [key.encode() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        gauge, begun = _Gauge(receive), False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, gauge.receive, watch)
        except Exception as error:
            problem = error if isinstance(error, Problem) else _unexpected(scope, error)
            if begun:
                raise
            await as_response(problem)(scope, receive, send)
        return None

    def _check(self, scope: Scope) -> None:
        """Raises `Unauthorized` or `BodyTooLarge`."""
        if scope["path"] in OPEN_PATHS:
            return
        headers = Headers(scope=scope)
        if self._keys:
            given = headers.get("authorization", "").removeprefix("Bearer ").encode()
            fits = [hmac.compare_digest(given, key) for key in self._keys]  # all of them: which one fits takes no time
            if not any(fits):
                raise Unauthorized
        elif not _is_local(scope, headers):
            raise Unauthorized("without API_KEYS only callers on this machine are served")
        if headers.get("content-length", "0").isdecimal() and int(headers.get("content-length", "0")) > MOST_BYTES:
            raise BodyTooLarge


class _Gauge:
    """Counts what really comes in: the header may be missing or lie."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > MOST_BYTES:
            raise BodyTooLarge
        return message


def as_response(problem: Problem) -> JSONResponse:
    return JSONResponse(
        problem.body(), problem.status, headers=problem.headers(), media_type="application/problem+json"
    )


def _is_local(scope: Scope, headers: Headers) -> bool:
    """A caller on this machine, and no web page: those come under another name, or say where they are from."""
    client = scope["client"]
    named = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    origin = headers.get("origin")
    return (
        client is not None
        and _is_loopback(client[0])
        and (named == "localhost" or _is_loopback(named.strip("[]")))
        and (origin is None or origin.partition("://")[2] == headers.get("host"))
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _unexpected(scope: Scope, error: Exception) -> Problem:
    """A bug: the caller gets a number, the log gets the rest under it."""
    request_id = str(uuid4())
    log.error(
        "unexpected_error",
        request_id=request_id,
        method=scope["method"],
        path=scope["path"],
        exc_info=error,
    )
    return Problem(request_id=request_id)
