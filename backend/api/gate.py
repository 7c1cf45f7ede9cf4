"""Who may ask, and how much they may send."""

import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.problems import as_response
from backend.errors import Problem, TooLarge, Unauthorized

MOST_BYTES = 1 << 20
# Around a file of the largest size there is the rest of its form.
FORM_BYTES = 64 << 10
# Alive or not is no secret, nor is the API's description: a browser has no key before it has shown the page.
OPEN_PATHS = frozenset({"/", "/health", "/docs", "/openapi.json"})
# The console has a door of its own (console/access.py), which is no way into the API; its assets are no secret.
OTHERS_DOORS = ("/console/", "/static/")
# Who comes with one of these has come through a proxy: the connection tells where the proxy is, not the caller.
FORWARDED = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"})


class BodyTooLarge(TooLarge):
    """The body is too large."""


class Gate:
    """ASGI middleware. With keys, a caller needs one; without, only callers on this machine are served.

    A body may have 1 MiB; at a path among `files`, where files come in, so many bytes and a form.
    """

    def __init__(self, app: ASGIApp, *, keys: Sequence[str], files: Mapping[str, int]) -> None:
        self._app = app
        self._keys = [key.encode() for key in keys]
        self._most_bytes = {path: limit + FORM_BYTES for path, limit in files.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        limit = self._most_bytes.get(scope["path"], MOST_BYTES)
        try:
            self._admit(scope, headers)
            _measure(headers, limit)
        except Problem as problem:
            return await as_response(problem)(scope, receive, send)
        return await self._app(scope, _counted(receive, limit), send)

    def _admit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Raises `Unauthorized`."""
        if scope["path"] in OPEN_PATHS or scope["path"].startswith(OTHERS_DOORS):
            return
        if self._keys:
            if not self._holds_key(headers.get(b"authorization", b"")):
                raise Unauthorized
        elif not is_local(scope["client"], headers):
            raise Unauthorized("without API_KEYS only callers on this machine are served")

    def _holds_key(self, credentials: bytes) -> bool:
        """Every key is compared, each in constant time: how long it takes tells nothing about them."""
        scheme, _, given = credentials.partition(b" ")
        fits = [hmac.compare_digest(given, key) for key in self._keys]
        return scheme.lower() == b"bearer" and any(fits)


def is_local(client: tuple[str, int] | None, headers: Mapping[bytes, bytes]) -> bool:
    """A caller on this machine, and no web page: those come under another name, or say where they are from."""
    return (
        client is not None
        and _is_loopback(client[0])
        and _is_this_machine(headers.get(b"host", b"").decode("latin-1"))
        and is_of_same_origin(headers)
        and FORWARDED.isdisjoint(headers)
    )


def is_of_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Whether no web page asks, or one of ours. Browsers always say where a page is from that sends something."""
    origin, host = headers.get(b"origin"), headers.get(b"host", b"")
    return origin is None or origin.partition(b"://")[2] == host


@lru_cache
def _is_this_machine(host: str) -> bool:
    """Whether a Host header names the machine itself. A page that rebinds its name to 127.0.0.1 keeps the name."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


@lru_cache
def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _measure(headers: Mapping[bytes, bytes], limit: int) -> None:
    """Raises `BodyTooLarge`, before any of the body was read."""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > limit:
        raise BodyTooLarge(limit=limit)


def _counted(receive: Receive, limit: int) -> Receive:
    """Raises `BodyTooLarge` as soon as more has come in: a chunked body does not say how long it is."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise BodyTooLarge(limit=limit)
        return message

    return counted
