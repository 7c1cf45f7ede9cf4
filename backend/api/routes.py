"""What was decided about messages, and what would have been right."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.lists import LAST_NUMBER, CursorInvalid, ListOut, PartWanted, as_list, number, read_cursor
from backend.api.problems import InvalidRequest, told
from backend.api.texts import Body, Word
from backend.database import StorageUnavailable
from backend.gateway import RouteNotFound, TargetUnknown, correct_route, list_routes
from backend.memory import SessionNotFound

router = APIRouter(tags=["macros"])

RouteId = Annotated[int, Path(ge=1, le=LAST_NUMBER, description="The decision's `id`.")]


class RouteOut(BaseModel):
    """A decision about a message."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: int
    turn_id: UUID
    message: str | None
    """The first 500 characters of it; null once it is deleted."""
    strategy: str = Field(examples=["chat", "agent", "macro", "dynamic"])
    target: str | None = Field(examples=["translate"])
    parameters: Any
    """What the macro was given, or the agent's task."""
    why: str
    mode: Literal["inline", "categorizer"]
    model: str = Field(examples=["ollama:llama3.2"])
    """Which one decided."""
    milliseconds: int | None
    """What deciding took; null where the answer itself was the decision."""
    outcome: Literal["followed", "target-unknown", "parameters-unfit", "too-many-runs", "router-failed"]
    """Unless it was followed, the message was answered as chat, or with the words that too much is under way."""
    corrected_strategy: str | None
    corrected_target: str | None
    corrected_at: datetime | None
    created_at: datetime


class Correction(Body):
    """What would have been right."""

    strategy: Literal["chat", "agent", "macro", "dynamic"]
    target: Word | None = Field(default=None, examples=["translate"])
    """The macro's slug, or the agent's."""


@router.get(
    "/sessions/{session_id}/routes",
    responses=told(SessionNotFound, InvalidRequest, CursorInvalid, StorageUnavailable),
)
async def list_decisions(
    session_id: UUID, wanted: Annotated[PartWanted, Query()], backend: BackendDep
) -> ListOut[RouteOut]:
    """How each message was to be answered, and why. Where a bot has neither macros nor agents, nothing is decided."""
    after = read_cursor(wanted.cursor, number)
    page = await list_routes(backend.db, session_id, after=after, limit=wanted.limit)
    return as_list(page, RouteOut, lambda row: str(row["id"]))


@router.patch(
    "/routes/{id}", responses=told(RouteNotFound, TargetUnknown, BodyTooLarge, InvalidRequest, StorageUnavailable)
)
async def correct(id: RouteId, correction: Correction, backend: BackendDep) -> RouteOut:
    """Say what would have been right; a categorizer is shown that, for later messages of the same person."""
    return RouteOut(**await correct_route(backend.db, id, correction.strategy, correction.target))
