"""The backend's HTTP API as the relay uses it, with answers that a test chooses."""

import asyncio
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web

Json = dict[str, Any]
Problem = Callable[[web.Request], web.Response]


def cut(request: web.Request) -> web.Response:
    """The connection breaks."""
    assert request.transport
    request.transport.abort()
    return web.Response()


def problem(type: str, status: int) -> Problem:
    body = {"type": f"/problems/{type}", "title": type, "status": status}
    return lambda _: web.json_response(body, status=status, content_type="application/problem+json")


def page(status: int) -> Problem:
    """What a proxy says, or a server that is not the backend."""
    return lambda _: web.Response(text="<html>Hello</html>", status=status, content_type="text/html")


class BackendSimulator:
    """Echoes every message; the same key gets the same answer. `problems` come first, in order."""

    def __init__(self) -> None:
        self.url = ""
        self.handled: list[Json] = []
        self.resets: list[Json] = []
        self.keys_in: list[str] = []
        self.problems: list[Problem] = []
        self.authorizations: list[str] = []
        self.answer: Callable[[str], str] = lambda text: f"echo {text}"
        self.open = asyncio.Event()
        self.open.set()
        self._answers: dict[str, str] = {}
        self._port = 0
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        application = web.Application()
        application.router.add_post("/v1/chat/handle", self._handle)
        application.router.add_post("/v1/chat/reset", self._reset)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def until_asked(self, times: int, seconds: float = 60) -> None:
        """Returns once so many messages have arrived, answered or not; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while len(self.keys_in) < times:
                self._changed.clear()
                await self._changed.wait()

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.authorizations.append(request.headers.get("Authorization", ""))
        self.keys_in.append(body["key"])
        self._changed.set()
        await self.open.wait()
        if found := self._problem(request):
            return found
        if body["key"] not in self._answers:
            self.handled.append(body)
            self._answers[body["key"]] = self.answer(body["text"])
        return web.json_response({"text": self._answers[body["key"]], "type": "message"})

    async def _reset(self, request: web.Request) -> web.Response:
        if found := self._problem(request):
            return found
        self.resets.append(await request.json())
        return web.json_response({"status": "ok", "reset_sessions": 1})

    def _problem(self, request: web.Request) -> web.Response | None:
        return self.problems.pop(0)(request) if self.problems else None
