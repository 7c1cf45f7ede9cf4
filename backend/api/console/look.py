"""What was said: sessions and their messages, to be searched."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from backend.api.console.access import VisitorDep
from backend.api.console.pages import Page, render
from backend.api.dependencies import BackendDep
from backend.api.lists import LAST_NUMBER, by_time_and_id, cursor_of, read_cursor, time_and_id
from backend.chat import sessions
from backend.chat.searching import find_messages, find_sessions

router = APIRouter(prefix="/console/look", route_class=Page, include_in_schema=False)

MOST_SESSIONS, MOST_FOUND, MOST_MESSAGES, MOST_SUMMARIES, MOST_BOTS = 40, 40, 100, 20, 200

Sought = Annotated[str, Query(max_length=200)]
Place = Annotated[str, Query(max_length=200)]
Number = Annotated[int | None, Query(ge=0, le=LAST_NUMBER)]


@router.get("")
async def search(
    request: Request, _: VisitorDep, backend: BackendDep, q: Sought = "", bot: Sought = "", after: Place = "",
    before: Number = None,
) -> Response:  # fmt: skip
    """All sessions; or whose they are and what was said in them."""
    sought, of = q.replace("\x00", "").strip(), bot.replace("\x00", "") or None
    place = read_cursor(after or None, time_and_id)
    found = await find_sessions(backend.db, of, sought or None, after=place, limit=MOST_SESSIONS)
    said = await find_messages(backend.db, sought, of, before=before, limit=MOST_FOUND) if sought else None
    return render(
        request,
        "look.html",
        sought=sought,
        bot=of or "",
        bots=(await backend.bots.list(after=None, limit=MOST_BOTS)).items,
        sessions=found.items,
        older=cursor_of(by_time_and_id(found.items[-1])) if found.more else "",
        said=said,
    )


@router.get("/{session_id}")
async def show(
    session_id: UUID, request: Request, _: VisitorDep, backend: BackendDep, before: Number = None
) -> Response:
    """One session, as it was said."""
    session = await sessions.get_session(backend.db, session_id)
    page = await sessions.list_messages(backend.db, session_id, after=before, limit=MOST_MESSAGES)
    return render(
        request,
        "session.html",
        session=session,
        messages=page.items[::-1],
        older=page.items[-1]["position"] if page.more else None,
        partly=before is not None,
        stats=await sessions.read_stats(backend.db, session_id),
        summaries=(await sessions.list_summaries(backend.db, session_id, after=None, limit=MOST_SUMMARIES)).items,
    )
