"""A chat to try it with, and what each answer was made from."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Form, Query, Request, Response
from starlette.responses import RedirectResponse

from backend.agents import WantedRuns
from backend.api.console.access import VisitorDep
from backend.api.console.events import as_text, put, streamed
from backend.api.console.pages import Page, fill, is_part, render, title_of
from backend.api.dependencies import BackendDep
from backend.api.message import DEFAULT_BOT, check_length
from backend.api.problems import explain
from backend.api.texts import Word
from backend.bootstrap import Backend
from backend.chat import Asked, Reply, sessions
from backend.chat.interrupting import Place
from backend.chat.origins import origin_of
from backend.chat.sessions import Filter
from backend.database import Record
from backend.llm.tokens import count_tokens

router = APIRouter(route_class=Page, include_in_schema=False)

# Whoever talks here is one person, in one private chat.
PERSON = "console"
MOST_MESSAGES, MOST_BOTS, MOST_RUNS = 200, 200, 20

Bot = Annotated[Word, Query()]
Spoken = Annotated[Word, Form()]


@router.get("/console/talk")
async def show(request: Request, _: VisitorDep, backend: BackendDep, bot: Bot = DEFAULT_BOT) -> Response:
    bots = [row for row in (await backend.bots.list(after=None, limit=MOST_BOTS)).items if row["enabled"]]
    known = [row["slug"] for row in bots]
    if bot not in known and known:
        bot = known[-1]
    wanted = Filter(bot, PERSON, PERSON, is_active=True)
    page = await sessions.list_sessions(backend.db, wanted, after=None, limit=1)
    session = page.items[0] if page.items else None
    said = (
        (await sessions.list_messages(backend.db, session["id"], after=None, limit=MOST_MESSAGES)) if session else None
    )
    return render(
        request,
        "talk.html",
        bots=bots,
        bot=bot,
        messages=said.items[::-1] if said else [],
        runs=await _under_way(backend, session["id"]) if session else [],
    )


async def _under_way(backend: Backend, session_id: UUID) -> list[Record]:
    """Runs that are not over, the oldest first; of those that are, the result is a message."""
    found = await backend.agents.runs(WantedRuns(session_id=session_id), after=None, limit=MOST_RUNS)
    return [run for run in found.items[::-1] if run["finished_at"] is None]


@router.post("/console/talk")
async def say(
    request: Request,
    _: VisitorDep,
    backend: BackendDep,
    text: Annotated[str, Form()] = "",
    bot: Spoken = DEFAULT_BOT,
) -> Response:
    """The question, then its answer while it is written. If the page is left, it is answered all the same."""
    text = text.replace("\x00", "").strip()
    if not text:
        return Response(status_code=204)
    await check_length(text, request)
    asked = Asked(
        bot=bot,
        chat_id=PERSON,
        thread_id="",
        user_id=PERSON,
        user_name="",
        chat_type="private",
        language=request.state.language,
        text=text,
        tokens=count_tokens(text),
        key=uuid4(),
    )
    if is_part(request):
        return streamed(_answer(request, backend, asked))
    await backend.chat.take_turn(asked)  # the page's scripts are not there, or not yet
    return _back(bot)


async def _answer(request: Request, backend: Backend, asked: Asked) -> AsyncIterator[str]:
    place = f"a{asked.key}"
    yield put("messages", "beforeend", fill(request, "_asked.html", text=asked.text, place=place, bot=asked.bot))
    try:
        async for piece in backend.chat.stream_turn(asked):
            if isinstance(piece, Reply):
                shown = {"text": piece.text, "model": piece.model, "turn_id": piece.turn_id, "run_id": piece.run_id}
                yield put(place, "outerHTML", fill(request, "_answer.html", **shown))
            else:
                yield put(f"{place}-text", "beforeend", as_text(piece))
    except Exception as error:  # noqa: BLE001 - the status is sent: whatever it is, only the page can tell of it now
        problem = explain(error)
        shown = {"title": title_of(request, problem), "detail": problem.detail or ""}
        yield put(place, "outerHTML", fill(request, "_trouble.html", **shown))


@router.post("/console/talk/stop")
async def stop(_: VisitorDep, backend: BackendDep, bot: Spoken = DEFAULT_BOT) -> Response:
    """What was written by then is the answer."""
    await backend.chat.stop(Place(bot, PERSON, PERSON, ""))
    return Response(status_code=204)


@router.post("/console/talk/new")
async def begin_anew(_: VisitorDep, backend: BackendDep, bot: Spoken = DEFAULT_BOT) -> Response:
    """Another session; what was said before can still be recalled."""
    await sessions.reset_chat(backend.db, bot, PERSON, "", PERSON, forget=False)
    return _back(bot)


def _back(bot: str) -> Response:
    return RedirectResponse(f"/console/talk?{urlencode({'bot': bot})}", 303)


@router.get("/console/turns/{turn_id}")
async def show_origin(turn_id: UUID, request: Request, _: VisitorDep, backend: BackendDep) -> Response:
    """What an answer was made from."""
    return render(request, "_origin.html", origin=await origin_of(backend.db, turn_id))
