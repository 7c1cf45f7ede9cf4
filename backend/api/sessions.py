"""Sessions and what was said in them, newest first."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.api.dependencies import BackendDep
from backend.api.lists import (
    CursorInvalid,
    ListOut,
    PartWanted,
    as_list,
    by_time_and_id,
    number,
    read_cursor,
    time_and_id,
)
from backend.api.problems import InvalidRequest, told
from backend.api.texts import Id, OptionalId
from backend.chat import sessions
from backend.chat.sessions import Filter, SessionMovedOn
from backend.database import StorageUnavailable
from backend.memory import Line
from backend.memory.transcript import SessionNotFound

router = APIRouter(prefix="/sessions", tags=["sessions"])


class SessionOut(BaseModel):
    """One person's conversation with one bot in one chat."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: UUID
    bot: str = Field(examples=["default"])
    user_id: str = Field(examples=["42"])
    chat_id: str = Field(examples=["42"])
    thread_id: str
    chat_type: str = Field(examples=["private"])
    language: str = Field(examples=["ru"])
    is_active: bool
    """A reset ends it; the person's next message begins another one."""
    created_at: datetime
    closed_at: datetime | None
    messages_since_summary: int


class StoredMessageOut(BaseModel):
    """One line of the transcript."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: int
    turn_id: UUID | None
    run_id: UUID | None
    """Of a run's result, which belongs to no turn."""
    position: int
    """Its place in the session; there are gaps."""
    role: str = Field(examples=["user", "assistant"])
    content: str
    tokens: int
    model: str | None
    created_at: datetime


class SummaryOut(BaseModel):
    """The past of a session, folded."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: int
    version: int
    content: str
    facts: list[Any]
    last_message_id: int | None
    last_position: int
    """It holds everything up to this place."""
    tokens: int
    model: str | None
    created_at: datetime


class WindowMessageOut(BaseModel):
    role: str = Field(examples=["system"])
    content: str


class ContextOut(BaseModel):
    """What the model would be shown if the person now said `…`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    messages: list[WindowMessageOut]
    tokens: int
    budget: int
    """So many tokens it may have at most."""
    dropped: int
    """So many old messages did not fit."""
    summary_version: int | None


class StatsOut(BaseModel):
    """How much was said, and what that took."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    messages: int
    tokens_in: int
    """What models were shown, as their providers count it; summaries are part of it."""
    tokens_out: int
    """What they wrote."""
    cost: float | None = Field(examples=[0.0123])
    """In US dollars; null where nobody told a price."""
    summaries: int
    since: datetime


class SessionsWanted(PartWanted):
    """Which sessions are listed."""

    bot: Id | None = None
    """With this bot."""
    chat_id: Id | None = None
    """In this chat."""
    user_id: Id | None = None
    """Of this person."""
    is_active: bool | None = None
    """Going on, or ended by a reset."""
    thread_id: OptionalId | None = None
    """In this topic; empty: in none."""


Part = Annotated[PartWanted, Query()]
LISTED = told(SessionNotFound, InvalidRequest, CursorInvalid, StorageUnavailable)
SHOWN = told(SessionNotFound, InvalidRequest, StorageUnavailable)


@router.get("", responses=told(InvalidRequest, CursorInvalid, StorageUnavailable))
async def list_sessions(wanted: Annotated[SessionsWanted, Query()], backend: BackendDep) -> ListOut[SessionOut]:
    """Everybody's, or those that fit the filters."""
    found = Filter(wanted.bot, wanted.chat_id, wanted.user_id, wanted.is_active, wanted.thread_id)
    after = read_cursor(wanted.cursor, time_and_id)
    page = await sessions.list_sessions(backend.db, found, after=after, limit=wanted.limit)
    return as_list(page, SessionOut, by_time_and_id)


@router.get("/{session_id}", responses=SHOWN)
async def get_session(session_id: UUID, backend: BackendDep) -> SessionOut:
    """One session."""
    return SessionOut(**await sessions.get_session(backend.db, session_id))


@router.get("/{session_id}/messages", responses=LISTED)
async def list_messages(session_id: UUID, wanted: Part, backend: BackendDep) -> ListOut[StoredMessageOut]:
    """What was said, word for word."""
    after = read_cursor(wanted.cursor, number)
    page = await sessions.list_messages(backend.db, session_id, after=after, limit=wanted.limit)
    return as_list(page, StoredMessageOut, lambda row: str(row["position"]))


@router.get("/{session_id}/summaries", responses=LISTED)
async def list_summaries(session_id: UUID, wanted: Part, backend: BackendDep) -> ListOut[SummaryOut]:
    """Every version of the summary; the newest is the one in use."""
    after = read_cursor(wanted.cursor, number)
    page = await sessions.list_summaries(backend.db, session_id, after=after, limit=wanted.limit)
    return as_list(page, SummaryOut, lambda row: str(row["version"]))


@router.get("/{session_id}/context", responses=SHOWN)
async def get_context(session_id: UUID, backend: BackendDep) -> ContextOut:
    """The window as it is now: how full it is, what is in it, how far the summary reaches."""
    session = await sessions.get_session(backend.db, session_id)
    in_group = session["chat_type"] != "private"
    past = await backend.memory.recall(session_id, before=session["last_position"] + 1, in_group=in_group)
    window = backend.memory.window(session["persona"], past, Line("user", "…", 1))
    return ContextOut(
        messages=[WindowMessageOut(role=shown.role, content=shown.content) for shown in window.messages],
        tokens=window.tokens,
        budget=backend.settings.context_tokens,
        dropped=window.dropped,
        summary_version=past.summary.version if past.summary else None,
    )


@router.get("/{session_id}/stats", responses=SHOWN)
async def get_stats(session_id: UUID, backend: BackendDep) -> StatsOut:
    """How much was said in a session, and what that took."""
    return StatsOut(**await sessions.read_stats(backend.db, session_id))


@router.post("/{session_id}/reopen", responses=told(SessionMovedOn) | SHOWN)
async def reopen(session_id: UUID, backend: BackendDep) -> SessionOut:
    """Undo a reset, within half a minute, unless the person has begun another dialogue there."""
    await sessions.reopen_session(backend.db, session_id)
    return SessionOut(**await sessions.get_session(backend.db, session_id))
