"""Skills: what agents can do, and the audit of what they did."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.api.dependencies import BackendDep
from backend.api.lists import CursorInvalid, ListOut, PartWanted, as_list, number, read_cursor
from backend.api.problems import InvalidRequest, told
from backend.api.texts import Word
from backend.database import StorageUnavailable

router = APIRouter(tags=["agents"])


class SkillOut(BaseModel):
    """Something that an agent can do."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)

    name: str = Field(examples=["filesystem_write"])
    family: str = Field(examples=["filesystem"])
    """By which an agent may have it together with others."""
    description: str
    danger: Literal["safe", "confirm", "forbidden"]
    """Of most of its calls: each is weighed by its arguments. `confirm`: the person is asked first."""
    missing: str
    """Why it cannot be used where the backend runs; empty if it can. A worker elsewhere may have what is missing."""


class SkillsOut(BaseModel):
    """All skills of this installation."""

    data: list[SkillOut]


class SkillCallOut(BaseModel):
    """What a model wanted done, and what became of it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: int
    run_id: UUID | None
    """Null once the run is deleted."""
    step_id: UUID | None
    bot: str
    user_id: str
    chat_id: str
    skill: str = Field(examples=["filesystem_write"])
    arguments: Any
    """Secrets are left out."""
    effect: bool
    """Whether it changes anything outside: then it is never repeated without asking."""
    decision: str | None = Field(examples=["confirmed"])
    """Why it was done, or was not: safe, confirmed, granted, forbidden, cancelled, expired or unfit."""
    state: str = Field(examples=["done"])
    """`uncertain`: its worker was killed, and it may have happened."""
    size: int | None
    """Of its result, in bytes."""
    milliseconds: int | None
    problem: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class SkillCallsWanted(PartWanted):
    """Which calls are listed; what is not given does not matter."""

    run_id: UUID | None = None
    """Of this run."""
    user_id: Word | None = None
    """On behalf of this person."""
    bot: Word | None = None
    """By this bot."""


@router.get("/skills")
async def list_skills(backend: BackendDep) -> SkillsOut:
    """What agents can be given."""
    return SkillsOut(data=[SkillOut.model_validate(skill) for skill in backend.skills.described()])


@router.get("/skill-calls", responses=told(InvalidRequest, CursorInvalid, StorageUnavailable))
async def list_skill_calls(wanted: Annotated[SkillCallsWanted, Query()], backend: BackendDep) -> ListOut[SkillCallOut]:
    """The audit: every call, also those that were refused."""
    after = read_cursor(wanted.cursor, number)
    page = await backend.agents.calls(wanted.run_id, wanted.user_id, wanted.bot, after=after, limit=wanted.limit)
    return as_list(page, SkillCallOut, lambda row: str(row["id"]))
