"""Sessions and what was said in them, newest first."""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from backend.api.dependencies import BackendDep
from backend.api.texts import Id
from backend.chat import sessions
from backend.chat.sessions import Filter, Page
from backend.database import Record
from backend.errors import Invalid
from backend.memory import Line

router = APIRouter(prefix="/sessions", tags=["sessions"])

T = TypeVar("T", bound=BaseModel)


class CursorInvalid(Invalid):
    """The cursor is not one that we gave."""


class SessionOut(BaseModel):
    id: UUID
    bot: str
    user_id: str
    chat_id: str
    thread_id: str
    chat_type: str
    language: str
    is_active: bool
    created_at: datetime
    closed_at: datetime | None
    messages_since_summary: int


class StoredMessageOut(BaseModel):
    id: int
    turn_id: UUID | None
    position: int
    role: str
    content: str
    tokens: int
    model: str | None
    created_at: datetime


class SummaryOut(BaseModel):
    id: int
    version: int
    content: str
    facts: list[dict[str, Any]]
    last_message_id: int | None
    last_position: int
    tokens: int
    model: str | None
    created_at: datetime


class WindowMessageOut(BaseModel):
    role: str
    content: str


class ContextOut(BaseModel):
    """What the model would be shown if the person now said `…`."""

    messages: list[WindowMessageOut]
    tokens: int
    budget: int
    dropped: int
    summary_version: int | None


class ListOut(BaseModel, Generic[T]):
    """A part of a list; hand `next_cursor` back as `cursor` for the next one."""

    items: list[T]
    next_cursor: str | None


Cursor = Annotated[str | None, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=200)]


class SessionsWanted(BaseModel):
    """Filters and the place in the list."""

    bot: Id | None = None
    chat_id: Id | None = None
    user_id: Id | None = None
    is_active: bool | None = None
    cursor: Annotated[str | None, Field(max_length=200)] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


@router.get("")
async def list_sessions(backend: BackendDep, wanted: Annotated[SessionsWanted, Query()]) -> ListOut[SessionOut]:
    found = Filter(wanted.bot, wanted.chat_id, wanted.user_id, wanted.is_active)
    after = _read_cursor(wanted.cursor, _time_and_id)
    page = await sessions.list_sessions(backend.db, found, after=after, limit=wanted.limit)
    return _list(page, SessionOut, lambda row: f"{row['created_at'].isoformat()} {row['id']}")


@router.get("/{session_id}")
async def get_session(session_id: UUID, backend: BackendDep) -> SessionOut:
    return SessionOut(**await sessions.get_session(backend.db, session_id))


@router.get("/{session_id}/messages")
async def list_messages(
    session_id: UUID, backend: BackendDep, cursor: Cursor = None, limit: Limit = 50
) -> ListOut[StoredMessageOut]:
    after = _read_cursor(cursor, _number)
    page = await sessions.list_messages(backend.db, session_id, after=after, limit=limit)
    return _list(page, StoredMessageOut, lambda row: str(row["position"]))


@router.get("/{session_id}/summaries")
async def list_summaries(
    session_id: UUID, backend: BackendDep, cursor: Cursor = None, limit: Limit = 50
) -> ListOut[SummaryOut]:
    after = _read_cursor(cursor, _number)
    page = await sessions.list_summaries(backend.db, session_id, after=after, limit=limit)
    return _list(page, SummaryOut, lambda row: str(row["version"]))


@router.get("/{session_id}/context")
async def get_context(session_id: UUID, backend: BackendDep) -> ContextOut:
    """The window as it is now: how full it is, what is in it, how far the summary reaches."""
    session = await sessions.get_session(backend.db, session_id)
    past = await backend.memory.recall(session_id, before=session["last_position"] + 1)
    window = backend.memory.window(session_id, session["persona"], past, Line("user", "…", 1))
    return ContextOut(
        messages=[WindowMessageOut(role=shown.role, content=shown.content) for shown in window.messages],
        tokens=window.tokens,
        budget=backend.settings.context_tokens,
        dropped=window.dropped,
        summary_version=past.summary.version if past.summary else None,
    )


def _list(page: Page[Record], shape: type[T], place: Callable[[Record], str]) -> ListOut[T]:
    cursor = base64.urlsafe_b64encode(place(page.items[-1]).encode()).decode() if page.more else None
    return ListOut(items=[shape(**row) for row in page.items], next_cursor=cursor)


def _read_cursor(cursor: str | None, read: Callable[[str], Any]) -> Any:
    """Raises `CursorInvalid`."""
    if cursor is None:
        return None
    try:
        return read(base64.urlsafe_b64decode(cursor.encode()).decode())
    except (ValueError, binascii.Error) as error:
        raise CursorInvalid from error


def _time_and_id(place: str) -> tuple[datetime, UUID]:
    created_at, _, session_id = place.partition(" ")
    return datetime.fromisoformat(created_at).astimezone(UTC), UUID(session_id)


def _number(place: str) -> int:
    number = int(place)
    if not 0 <= number < 2**31:
        raise ValueError("out of range")
    return number
