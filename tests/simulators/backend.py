"""The backend's HTTP API as the relay uses it, with answers that a test chooses."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Self

from aiohttp import web
from cryptography.fernet import Fernet

from tests.simulators.backend_deliveries import Deliveries, Json, Leases, Refused
from tests.simulators.backend_people import People
from tests.simulators.backend_runs import Runs

Problem = Callable[[web.Request], web.Response]

SECRET_KEY = "a-secret-key-of-the-tests-that-is-long-enough"


def sealed(token: str, key: str = SECRET_KEY) -> str:
    """The token as the backend keeps it."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())).encrypt(token.encode()).decode()


def cut(request: web.Request) -> web.Response:
    """The connection breaks."""
    assert request.transport
    request.transport.abort()
    return web.Response()


def problem(type: str, status: int, **members: Any) -> Problem:
    body = {"type": f"/problems/{type}", "title": type, "status": status} | members
    return lambda _: web.json_response(body, status=status, content_type="application/problem+json")


def page(status: int) -> Problem:
    """What a proxy says, or a server that is not the backend."""
    return lambda _: web.Response(text="<html>Hello</html>", status=status, content_type="text/html")


class BackendSimulator:
    """Echoes every message; the same key gets the same answer.

    `problems` come first, in order, at what people cause: messages, notices and resets. `fails` are turns that end
    with a problem of this type. Who it is `tired_of` has used up the limit. `reports_fail` is what becomes of the
    answers to the next reports of progress. While `open` is not set, nothing is accepted; while `answering` is not
    set, what was accepted is not answered. `pieces` cuts an answer into what is streamed: one each `piece_seconds`, or
    as `allowed` gives way.
    """

    allowed: asyncio.Semaphore | None = None
    piece_seconds = 0.0
    cuts_streams = False

    def __init__(self) -> None:
        self.url = ""
        self.leases = Leases()
        self.deliveries = Deliveries(self.leases)
        self.handled: list[Json] = []
        self.people = People()
        self.runs = Runs(self.deliveries, self.wake, self.first)
        self.stops: list[Json] = []
        self.keys_in: list[str] = []
        self.problems: list[Problem] = []
        self.fails: list[str] = []
        self.tired_of: set[str] = set()
        self.reports_fail: list[Problem | None] = []
        self.trouble: Callable[[web.Request], web.Response | None] = lambda request: None
        self.authorizations: list[str] = []
        self.answer: Callable[[str], str] = lambda text: f"echo {text}"
        self.pieces: Callable[[str], list[str]] = lambda text: [text]
        self.open, self.answering = asyncio.Event(), asyncio.Event()
        self.open.set()
        self.answering.set()
        self._turns: dict[str, str] = {}
        self._turn_numbers = count(1)
        self._port = 0
        self._changed = asyncio.Event()
        self._ends = False
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        application = web.Application(middlewares=[self._told])
        application.add_routes(
            [
                web.post("/v1/relays/{relay}", self._beat),
                web.delete("/v1/relays/{relay}", self._leave),
                web.get("/v1/relays/{relay}/deliveries", self._pending),
                web.patch("/v1/deliveries/{id}", self._progress),
                web.put("/v1/turns/{id}/shown", self._shown),
                web.post("/v1/deliveries", self._say),
                web.post("/v1/chat/stream", self._stream),
                *self.people.routes(self._problem),
                *self.runs.routes(self._problem),
                web.post("/v1/chat/stop", self._stop_turn),
            ]
        )
        self._runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        self._ends = False
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        if self._runner:
            self._ends = True
            self.wake()
            await self._runner.cleanup()
            self._runner = None

    def enable(self, token: str, slug: str = "default", *, key: str = SECRET_KEY, **fields: Any) -> Json:
        """There is a bot with this token, or with another one from now on."""
        row: Json = {
            "slug": slug,
            "telegram_id": token.partition(":")[0],
            "sealed_token": sealed(token, key),
            "name": slug,
            "language": "",
            "triggers": ["mention", "reply", "command"],
            "called": [],
            "keywords": [],
        }
        self.leases.bots[slug] = row | fields
        return self.leases.bots[slug]

    def wake(self) -> None:
        """Whoever waits looks whether it has come."""
        self._changed.set()

    async def until(self, true: Callable[[], object], seconds: float = 60) -> None:
        """Returns once it is; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    async def until_asked(self, times: int, seconds: float = 60) -> None:
        """Returns once so many messages have arrived, answered or not; raises TimeoutError."""
        await self.until(lambda: len(self.keys_in) >= times, seconds)

    async def until_delivered(self, times: int = 1) -> list[Json]:
        """The deliveries that are over, once there are so many."""
        await self.until(lambda: len(self._over()) >= times)
        return self._over()

    def _over(self) -> list[Json]:
        return [delivery for delivery in self.deliveries.all.values() if delivery["state"] != "pending"]

    # The relay itself.

    async def _beat(self, request: web.Request) -> web.Response:
        answer = self.leases.beat(request.match_info["relay"], (await request.json())["bots"])
        self._changed.set()
        return web.json_response(answer)

    async def _leave(self, request: web.Request) -> web.Response:
        self.leases.leave(request.match_info["relay"])
        self._changed.set()
        return web.Response(status=204)

    async def _pending(self, request: web.Request) -> web.Response:
        return await self.first(request, self.deliveries.pending)

    async def first(self, request: web.Request, look: Callable[[str, int], list[Json]]) -> web.Response:
        """What a relay looks for, as soon as there is any, or the time that it waits is over."""
        relay, after, wait = request.match_info["relay"], int(request.query["after"]), float(request.query["wait"])
        with suppress(TimeoutError):
            await self.until(lambda: self._ends or look(relay, after), wait)
        return web.json_response({"data": look(relay, after)})

    async def _progress(self, request: web.Request) -> web.Response:
        delivery = self.deliveries.progress(int(request.match_info["id"]), await request.json())
        self.wake()
        fails = self.reports_fail.pop(0) if self.reports_fail else None
        return fails(request) if fails else web.json_response(delivery)

    async def _shown(self, request: web.Request) -> web.Response:
        self.deliveries.shown[request.match_info["id"]] = (await request.json())["message_id"]
        self.wake()
        return web.Response(status=204)

    # What people cause.

    async def _say(self, request: web.Request) -> web.Response:
        if found := self._problem(request):
            return found
        body = await request.json()
        if body.pop("counts", False) and body["user_id"] in self.tired_of:
            return problem("too-many-messages", 429, retry_after=12, of="person")(request)
        notice = self.deliveries.add(kind="notice", **body)
        self._changed.set()
        return web.json_response(notice, status=201)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.authorizations.append(request.headers.get("Authorization", ""))
        self.keys_in.append(body["key"])
        self._changed.set()
        await self.open.wait()
        if found := self._problem(request):
            return found
        known = body["key"] in self._turns
        if not known:
            self.handled.append(body)
        turn_id = self._turns.setdefault(body["key"], f"00000000-0000-4000-8000-{next(self._turn_numbers):012}")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await _send(response, "accepted", {"turn_id": turn_id, "session_id": turn_id})
        await self.answering.wait()
        if self.cuts_streams:
            self._deliver(turn_id, body)
            return cut(request)
        await _send(response, "delivery", await self._write(response, turn_id, body, silently=known))
        return response

    async def _write(self, response: web.StreamResponse, turn_id: str, body: Json, silently: bool) -> Json:
        if not silently:
            for piece in self.pieces(self.answer(body["text"])):
                if self.allowed:
                    await self.allowed.acquire()
                await _send(response, "delta", {"text": piece})
                await asyncio.sleep(self.piece_seconds)
        return self._deliver(turn_id, body)

    def _deliver(self, turn_id: str, body: Json) -> Json:
        where = {name: body.get(name, "") for name in ("bot", "chat_id", "thread_id", "user_id", "reply_to")}
        fails = self.fails.pop(0) if self.fails else ""
        said: Json = (
            {"kind": "problem", "text": fails} if fails else {"kind": "answer", "text": self.answer(body["text"])}
        )
        if card := self.runs.begins(body["text"]):
            said = {"kind": "run", "text": "I am on it.", "card": card, "changed": 1}
        delivery = self.deliveries.add(turn_id=turn_id, language=body.get("language", ""), **said, **where)
        self._changed.set()
        return delivery

    async def _stop_turn(self, request: web.Request) -> web.Response:
        self.stops.append(await request.json())
        self._changed.set()
        return web.json_response({"stopped": 0, "runs": 0})

    @web.middleware
    async def _told(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if in_trouble := self.trouble(request):
            return in_trouble
        try:
            response: web.StreamResponse = await handler(request)
        except Refused as refused:
            return problem(refused.type, refused.status, **refused.members)(request)
        return response

    def _problem(self, request: web.Request) -> web.Response | None:
        return self.problems.pop(0)(request) if self.problems else None


async def _send(response: web.StreamResponse, event: str, data: Json) -> None:
    await response.write(f": alive\n\nevent: {event}\ndata: {json.dumps(data)}\n\n".encode())
