"""Strangers at a bot that asks its owner: who they are, and the decision."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.api.bots import Slug
from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.lists import CursorInvalid, ListOut, PartWanted, as_list, number, read_cursor
from backend.api.problems import InvalidRequest, told
from backend.api.texts import Body, Id
from backend.bots import AdmissionDecided, AdmissionNotFound, BotNotFound, OwnerDecides
from backend.database import StorageUnavailable

router = APIRouter(tags=["bots"])

Code = Annotated[Id, Path(description="What the person was told, in capitals or not.")]


class AdmissionOut(BaseModel):
    """Somebody who asked to be let in."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    code: str = Field(examples=["K7QX2M9R"])
    user_id: str = Field(examples=["42"])
    user_name: str = Field(examples=["Anna"])
    chat_id: str
    language: str
    state: Literal["asked", "approved", "refused", "expired"]
    """A code is good for 24 hours; then who still wants in gets another one."""
    asked_at: datetime
    decided_at: datetime | None


class DecisionIn(Body):
    """Whether the person may talk to the bot."""

    approve: bool
    by: Id | None = Field(default=None, examples=["42"])
    """Who has decided: refused if that is not the bot's owner. Without, it is you, who hold the key of the API."""


class DecisionOut(AdmissionOut):
    bot: str = Field(examples=["support"])


@router.get("/bots/{slug}/admissions", responses=told(BotNotFound, InvalidRequest, CursorInvalid, StorageUnavailable))
async def list_admissions(
    slug: Slug, wanted: Annotated[PartWanted, Query()], backend: BackendDep
) -> ListOut[AdmissionOut]:
    """Who has asked to talk to a bot whose access is `pairing`."""
    page = await backend.bots.admissions(slug, before=read_cursor(wanted.cursor, number), limit=wanted.limit)
    return as_list(page, AdmissionOut, lambda row: str(row["id"]))


@router.post(
    "/admissions/{code}",
    responses=told(AdmissionNotFound, AdmissionDecided, OwnerDecides, BodyTooLarge, InvalidRequest, StorageUnavailable),
)
async def decide(code: Code, decision: DecisionIn, backend: BackendDep) -> DecisionOut:
    """Let somebody in, or not; the person is told. The same decision again changes nothing."""
    return DecisionOut(**await backend.bots.decide(code, approve=decision.approve, by=decision.by))
