"""What the simulated backend knows of people: their sessions, what they correct, and what they send beside text."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from aiohttp import web

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Problem = Callable[[web.Request], web.Response | None]
# Who speaks to whom where: bot, chat, person, topic.
Place = tuple[str, str, str, str]


def place_of(body: Json) -> Place:
    return body.get("bot", "default"), body["chat_id"], body.get("user_id", ""), body.get("thread_id", "")


def meeting(problem: Problem) -> Callable[[Handler], Handler]:
    """Makes endpoints of answers, instead of which a call may meet a problem."""

    def met(answer: Handler) -> Handler:
        async def problem_or_answer(request: web.Request) -> web.StreamResponse:
            return problem(request) or await answer(request)

        return problem_or_answer

    return met


class People:
    """`calls` is a journal of what was asked, by name. A test may change all the other things."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.sessions: dict[str, Place] = {}
        self.closed: dict[str, Place] = {}
        self.stats: Json = {"messages": 2, "tokens_in": 1234, "tokens_out": 56, "cost": 0.5, "summaries": 0}
        self.window: Json = {"messages": [], "tokens": 100, "budget": 16000, "dropped": 0, "summary_version": None}
        self.understood: Callable[[Json], str] = lambda sent: f"{sent['kind']} of {len(sent['file'])} bytes"
        self.document_states: list[Json] = [{"state": "reading"}, {"state": "ready"}]
        self._states: dict[str, list[Json]] = {}

    def routes(self, problem: Problem) -> list[web.RouteDef]:
        """Its endpoints; `problem` is what a call meets instead, if anything."""
        met = meeting(problem)
        return [
            web.post("/v1/chat/reset", met(self._reset)),
            web.post("/v1/chat/move", met(self._move)),
            web.patch("/v1/chat/messages", met(self._correct)),
            web.get("/v1/sessions", met(self._list_sessions)),
            web.get("/v1/sessions/{id}/{what}", met(self._session)),
            web.post("/v1/sessions/{id}/reopen", met(self._reopen)),
            web.post("/v1/attachments", met(self._attachment)),
            web.post("/v1/documents", met(self._add_document)),
            web.get("/v1/documents/{id}", met(self._document)),
            web.post("/v1/admissions/{code}", met(self._decide)),
        ]

    def called(self, name: str) -> list[Json]:
        """What was sent with the calls of this name, in order."""
        return [sent for called, sent in self.calls if called == name]

    def talk(self, chat_id: int, user_id: int, bot: str = "default", thread_id: str = "") -> str:
        """The id of the session that goes on there."""
        place = bot, str(chat_id), str(user_id), thread_id
        known = next((session_id for session_id, where in self.sessions.items() if where == place), str(uuid4()))
        self.sessions[known] = place
        return known

    async def _reset(self, request: web.Request) -> web.Response:
        body = await self._noted("reset", request)
        wanted = {body["session_id"]} if "session_id" in body else set()
        if "chat_id" in body:
            wanted = {session_id for session_id, place in self.sessions.items() if place == place_of(body)}
        for session_id in wanted:
            self.closed[session_id] = self.sessions.pop(session_id)
        return web.json_response({"status": "ok", "reset_sessions": len(wanted), "session_ids": sorted(wanted)})

    async def _move(self, request: web.Request) -> web.Response:
        body = await self._noted("move", request)
        moved = {id: place for id, place in self.sessions.items() if place[:2] == (body["bot"], body["chat_id"])}
        self.sessions |= {id: (bot, body["to"], *rest) for id, (bot, _, *rest) in moved.items()}
        return web.json_response({"moved_sessions": len(moved)})

    async def _reopen(self, request: web.Request) -> web.Response:
        session_id = request.match_info["id"]
        self.calls.append(("reopen", {"id": session_id}))
        self.sessions[session_id] = self.closed.pop(session_id)
        return web.json_response({"id": session_id})

    async def _correct(self, request: web.Request) -> web.Response:
        await self._noted("correct", request)
        return web.json_response({"status": "ok", "corrected": True})

    async def _list_sessions(self, request: web.Request) -> web.Response:
        wanted = request.query
        items = [
            {"id": session_id, "bot": bot, "chat_id": chat_id, "user_id": user_id, "thread_id": thread_id}
            for session_id, (bot, chat_id, user_id, thread_id) in self.sessions.items()
            if (bot, chat_id) == (wanted["bot"], wanted["chat_id"])
            and (user_id, thread_id) == (wanted.get("user_id", user_id), wanted.get("thread_id", thread_id))
        ]
        return web.json_response({"items": items, "next_cursor": None})

    async def _session(self, request: web.Request) -> web.Response:
        told = {"stats": self.stats | {"since": "2026-11-21T10:00:00Z"}, "context": self.window}
        return web.json_response(told[request.match_info["what"]])

    async def _decide(self, request: web.Request) -> web.Response:
        await self._noted("decide", request)
        return web.json_response({"code": request.match_info["code"]})

    async def _attachment(self, request: web.Request) -> web.Response:
        sent = await self._uploaded("attachment", request)
        return web.json_response({"text": self.understood(sent)})

    async def _add_document(self, request: web.Request) -> web.Response:
        await self._uploaded("document", request)
        document_id = str(uuid4())
        self._states[document_id] = list(self.document_states)
        return web.json_response({"id": document_id, "state": "waiting"}, status=202)

    async def _document(self, request: web.Request) -> web.Response:
        states = self._states[request.match_info["id"]]
        state = states.pop(0) if len(states) > 1 else states[0]
        return web.json_response({"id": request.match_info["id"], "problem": None} | state)

    async def _noted(self, name: str, request: web.Request) -> Json:
        body: Json = await request.json() | dict(request.match_info)
        self.calls.append((name, body))
        return body

    async def _uploaded(self, name: str, request: web.Request) -> Json:
        sent: Json = {}
        for field, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                sent |= {field: value.file.read(), "filename": value.filename, "media_type": value.content_type}
            else:
                sent[field] = value
        self.calls.append((name, sent))
        return sent
