"""Runs: what is done in the background, how it fares, and how it is stopped."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from backend.agents import FileNotFound, RunNotFound, RunOver, StepNotFound, StepOver, WantedRuns
from backend.api.cards import LAST_ID, LONGEST_WAIT_SECONDS
from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.lists import CursorInvalid, ListOut, PartWanted, as_list, by_time_and_id, read_cursor, time_and_id
from backend.api.problems import InvalidRequest, told
from backend.api.texts import Body, Id, Word
from backend.database import StorageUnavailable

router = APIRouter(prefix="/runs", tags=["runs"])

RunStatus = Literal["pending", "running", "waiting", "completed", "failed", "cancelled", "expired"]
StepStatus = RunStatus | Literal["skipped", "replaced"]

RunId = Annotated[UUID, Path(description="The run's `id`.")]
Position = Annotated[int, Path(ge=1, le=2**31 - 1, description="The step's `position`.")]
FileId = Annotated[int, Path(ge=0, le=LAST_ID, description="The file's `id`.")]

# What a browser may show as what it says it is; anything else could be a page.
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
CONTENT: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}, "image/png": {}}}}


class _Shown(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class RunOut(_Shown):
    """What somebody has asked for."""

    id: UUID
    bot: str = Field(examples=["default"])
    user_id: str = Field(examples=["42"])
    chat_id: str = Field(examples=["42"])
    thread_id: str
    session_id: UUID
    turn_id: UUID | None
    """What it began with."""
    kind: Literal["agent", "macro", "dynamic"]
    """An agent's single step, the plan of a macro, or one that was made for the message."""
    target: str | None = Field(examples=["research_agent"])
    """The agent, or the macro."""
    title: str
    request: str
    """What the person wrote."""
    status: RunStatus
    """`waiting`: for an answer to a question."""
    replanned: bool
    """Whether it was planned anew after a step failed."""
    model_calls: int
    tool_calls: int
    tokens: int
    milliseconds: int
    """Without those in which it waited for a person."""
    max_model_calls: int
    max_tool_calls: int
    max_tokens: int
    max_minutes: int
    result: str | None
    """What the person is told at its end; it is a message of the session, too."""
    problem: str | None = Field(examples=["limit-tokens"])
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class StepOut(_Shown):
    """One part of a run."""

    id: UUID
    position: int
    kind: Literal["plan", "act"]
    """`plan`: it makes the steps that follow."""
    agent: str | None
    queue: str
    action: str
    """What is to be done."""
    depends_on: list[int]
    """The positions of those whose results it needs."""
    status: StepStatus
    """`skipped`: by a person, or because something that it needs did not work; `replaced`: by another plan."""
    attempt: int
    rounds: int
    """So often it has called skills."""
    result: str | None
    problem: str | None
    started_at: datetime | None
    finished_at: datetime | None


class AskedOut(_Shown):
    """A question that was asked in it; see `/v1/confirmations`."""

    id: int
    kind: Literal["action", "repeat"]
    skill: str
    title: str
    state: Literal["waiting", "confirmed", "cancelled", "expired"]
    expires_at: datetime
    answered_at: datetime | None
    answered_via: str


class FileOut(_Shown):
    """A file that it has made."""

    id: int
    name: str
    media_type: str
    size: int
    """In bytes."""
    created_at: datetime


class RunWholeOut(RunOut):
    """A run with everything that belongs to it."""

    version: str
    """Another one tells that something has changed."""
    steps: list[StepOut]
    confirmations: list[AskedOut]
    files: list[FileOut]


class RunsWanted(PartWanted):
    """Which runs are listed; what is not given does not matter."""

    bot: Word | None = None
    """Of this bot."""
    user_id: Word | None = None
    """Of this person."""
    session_id: UUID | None = None
    """In this session."""
    status: RunStatus | None = None
    """Of this status."""


class RunWanted(BaseModel):
    """How long to wait for a change."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    version: Word | None = None
    """The `version` that is known already."""
    wait: float = Field(default=0, ge=0, le=LONGEST_WAIT_SECONDS)
    """So many seconds to wait until it is another one."""


class ByWhom(Body):
    """Who wants it."""

    user_id: Id | None = Field(default=None, examples=["42"])
    """A person, who has a say in no one else's runs; null: an operator."""


OPERATOR = ByWhom()
SHOWN = InvalidRequest, RunNotFound, StorageUnavailable


@router.get("", responses=told(InvalidRequest, CursorInvalid, StorageUnavailable))
async def list_runs(wanted: Annotated[RunsWanted, Query()], backend: BackendDep) -> ListOut[RunOut]:
    """Everybody's, or those that fit the filters."""
    found = WantedRuns(wanted.bot, wanted.user_id, wanted.session_id, wanted.status)
    after = read_cursor(wanted.cursor, time_and_id)
    page = await backend.agents.runs(found, after=after, limit=wanted.limit)
    return as_list(page, RunOut, by_time_and_id)


@router.get("/{id}", responses=told(*SHOWN))
async def get_run(id: RunId, wanted: Annotated[RunWanted, Query()], backend: BackendDep) -> RunWholeOut:
    """One run: at once, or, with `version` and `wait`, as soon as it has changed."""
    return RunWholeOut(**await backend.agents.wait(id, wanted.version, wanted.wait))


@router.post("/{id}/cancel", responses=told(BodyTooLarge, RunOver, *SHOWN))
async def cancel_run(id: RunId, backend: BackendDep, by: ByWhom = OPERATOR) -> RunWholeOut:
    """Stop a run, at once. An action that has begun may still happen; nothing else does."""
    run = await backend.agents.cancel(id, by.user_id)
    backend.chat.deliveries.ring()
    return RunWholeOut(**run)


@router.post("/{id}/steps/{position}/skip", responses=told(BodyTooLarge, RunOver, StepNotFound, StepOver, *SHOWN))
async def skip_step(id: RunId, position: Position, backend: BackendDep, by: ByWhom = OPERATOR) -> RunWholeOut:
    """Leave a step out, and with it whatever needs its result."""
    run = await backend.agents.skip(id, position, by.user_id)
    backend.chat.deliveries.ring()
    return RunWholeOut(**run)


@router.get(
    "/{id}/files/{file_id}",
    response_class=Response,
    responses=CONTENT | told(InvalidRequest, FileNotFound, StorageUnavailable),
)
async def get_file(id: RunId, file_id: FileId, backend: BackendDep) -> Response:
    """The content of a file that a run has made. A picture comes as such, anything else as bytes to be saved."""
    file = await backend.agents.file(id, file_id)
    media_type = file["media_type"] if file["media_type"] in PICTURES else "application/octet-stream"
    saved_as = f"attachment; filename*=UTF-8''{quote(file['name'], safe='')}"
    # Others may have made it: no browser is to take it for a page of ours.
    headers = {"Content-Disposition": saved_as, "X-Content-Type-Options": "nosniff"}
    return Response(file["content"], media_type=media_type, headers=headers)
