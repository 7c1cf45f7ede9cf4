"""What the simulated backend knows of runs: their cards, the questions they ask, and what people have allowed."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.simulators.backend_deliveries import Deliveries, Json, Refused
from tests.simulators.backend_people import Problem, meeting

RUN_ID = "5f1f6ad1-6c8c-4c55-9a5c-4f5d1f6b1c61"

Look = Callable[[str, int], list[Json]]


def in_minutes(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def step(position: int, name: str, status: str = "pending", kind: str = "act") -> Json:
    return {"position": position, "kind": kind, "name": name, "agent": None, "status": status}


def run_card(*steps: Json, status: str = "running", title: str = "Tidy up") -> Json:
    """A run with these steps."""
    skippable = len(steps) > 1
    return {"run_id": RUN_ID, "status": status, "title": title, "steps": list(steps), "skippable": skippable}


class Runs:
    """`calls` is a journal of what was asked, by name. `begins` tells with which card a message is answered."""

    def __init__(
        self,
        deliveries: Deliveries,
        wake: Callable[[], None],
        first: Callable[[web.Request, Look], Awaitable[web.Response]],
    ) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.questions: dict[int, Json] = {}
        self.grants: list[Json] = []
        self.files: dict[int, bytes] = {}
        self.begins: Callable[[str], Json | None] = lambda text: None
        self._deliveries = deliveries
        self._wake = wake
        self._first = first

    def called(self, name: str) -> list[Json]:
        """What was sent with the calls of this name, in order."""
        return [sent for called, sent in self.calls if called == name]

    def ask(self, id: int, chat_id: int = 42, user_id: int = 42, **fields: Any) -> Json:
        """A question waits for a person; the delivery that is its card."""
        usual = {"kind": "action", "skill": "shell", "title": "Run a program", "detail": "rm -r build", "grants": None}
        state = {"state": "waiting", "always": False, "expires_at": in_minutes(5), "answered_via": "", "bot": "default"}
        question = usual | state | {"id": id, "run_id": RUN_ID, "user_id": str(user_id)} | fields
        self.questions[id] = question | {"chat_id": str(chat_id)}
        card = question | {"grants": question["grants"] is not None}
        return self.hand_over("confirmation", card, chat_id, user_id, key=f"question {id}")

    def hand_over(self, kind: str, card: Json, chat_id: int = 42, user_id: int = 42, **fields: Any) -> Json:
        """A delivery with a card, as somebody else has left it."""
        where = {"bot": "default", "chat_id": str(chat_id), "user_id": str(user_id)}
        usual = {"key": f"card {len(self._deliveries.all)}", "text": "", "changed": 1}
        delivery = self._deliveries.add(kind=kind, card=card, **(usual | where | fields))
        self._wake()
        return delivery

    def change(self, delivery: Json, **card: Any) -> None:
        """Its card has changed."""
        self._deliveries.change(delivery, **card)
        self._wake()

    def end(self, id: int, state: str, **fields: Any) -> None:
        """A question is over, however that came about."""
        self.questions[id] |= {"state": state} | fields
        for delivery in self._deliveries.all.values():
            if delivery["kind"] == "confirmation" and delivery["card"]["id"] == id:
                self.change(delivery, state=state, **fields)

    def routes(self, problem: Problem) -> list[web.RouteDef]:
        """Its endpoints; `problem` is what a person's call meets instead, if anything."""
        met = meeting(problem)
        return [
            web.get("/v1/relays/{relay}/cards", self._changed),
            web.put("/v1/deliveries/{id}/shown", self._shown),
            web.get("/v1/deliveries/{id}/file", self._file),
            web.post("/v1/runs/{id}/cancel", met(self._cancel_run)),
            web.post("/v1/runs/{id}/steps/{position}/skip", met(self._skip)),
            web.get("/v1/confirmations", met(self._list_questions)),
            web.get("/v1/confirmations/{id}", met(self._question)),
            web.post("/v1/confirmations/{id}/{how}", met(self._answer)),
            web.get("/v1/grants", met(self._list_grants)),
            web.delete("/v1/grants/{id}", met(self._revoke)),
        ]

    async def _changed(self, request: web.Request) -> web.Response:
        return await self._first(request, lambda relay, after: self._deliveries.changed(relay, after))

    async def _shown(self, request: web.Request) -> web.Response:
        self._deliveries.show(int(request.match_info["id"]), await request.json())
        self._wake()
        return web.Response(status=204)

    async def _file(self, request: web.Request) -> web.Response:
        if (id := int(request.match_info["id"])) not in self.files:
            raise Refused("delivery-not-found", 404)
        return web.Response(body=self.files[id])

    async def _cancel_run(self, request: web.Request) -> web.Response:
        await self._noted("cancel run", request)
        return web.json_response({"id": request.match_info["id"]})

    async def _skip(self, request: web.Request) -> web.Response:
        await self._noted("skip", request)
        return web.json_response({"id": request.match_info["id"]})

    async def _list_questions(self, request: web.Request) -> web.Response:
        wanted = {name: request.query[name] for name in ("user_id", "bot", "chat_id", "state") if name in request.query}
        items = [each for each in self.questions.values() if wanted.items() <= each.items()]
        return web.json_response({"items": items[::-1], "next_cursor": None})

    async def _question(self, request: web.Request) -> web.Response:
        if (id := int(request.match_info["id"])) not in self.questions:
            raise Refused("confirmation-not-found", 404)
        return web.json_response(self.questions[id])

    async def _answer(self, request: web.Request) -> web.Response:
        told = await self._noted(how := request.match_info["how"], request)
        del told["how"]
        question = self.questions.get(int(told["id"]))
        if question is None:
            raise Refused("confirmation-not-found", 404)
        if question["user_id"] != told["user_id"]:
            raise Refused("not-yours", 403)
        if question["state"] != "waiting":
            raise Refused("confirmation-over", 409, state=question["state"])
        always = {"always": told.get("always", False)}
        self.end(
            question["id"], {"confirm": "confirmed", "cancel": "cancelled"}[how], answered_via=told["via"], **always
        )
        return web.json_response(question)

    async def _list_grants(self, request: web.Request) -> web.Response:
        wanted = {name: request.query[name] for name in ("user_id", "bot", "chat_id") if name in request.query}
        items = [grant for grant in self.grants if wanted.items() <= grant.items()]
        return web.json_response({"items": items, "next_cursor": None})

    async def _revoke(self, request: web.Request) -> web.Response:
        self.calls.append(("revoke", dict(request.match_info) | dict(request.query)))
        left = [grant for grant in self.grants if str(grant["id"]) != request.match_info["id"]]
        if len(left) == len(self.grants):
            raise Refused("grant-not-found", 404)
        self.grants[:] = left
        return web.Response(status=204)

    async def _noted(self, name: str, request: web.Request) -> Json:
        body: Json = await request.json() | dict(request.match_info)
        self.calls.append((name, body))
        self._wake()
        return body
