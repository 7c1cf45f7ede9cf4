"""Confirmations: what people are asked before something is done, and what they have allowed for a while."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from backend.agents import ConfirmationNotFound, ConfirmationOver, GrantNotFound, NotYours, WantedConfirmations
from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.lists import LAST_NUMBER, CursorInvalid, ListOut, PartWanted, as_list, number, read_cursor
from backend.api.problems import InvalidRequest, told
from backend.api.texts import Body, Id, Word
from backend.database import StorageUnavailable

router = APIRouter(tags=["confirmations"])

ConfirmationState = Literal["waiting", "confirmed", "cancelled", "expired"]
ConfirmationId = Annotated[int, Path(ge=0, le=LAST_NUMBER, description="The confirmation's `id`.")]
GrantId = Annotated[int, Path(ge=0, le=LAST_NUMBER, description="The `id` of what was allowed.")]


class ConfirmationOut(BaseModel):
    """A question to a person before an action."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: int
    run_id: UUID
    bot: str = Field(examples=["default"])
    chat_id: str = Field(examples=["42"])
    thread_id: str
    user_id: str = Field(examples=["42"])
    """Who is asked: nobody else may answer, but an operator."""
    kind: Literal["action", "repeat"]
    """`repeat`: it may have been done already, by a worker that was killed."""
    skill: str = Field(examples=["filesystem_write"])
    title: str
    detail: str
    """Exactly what will be done: program and arguments, a diff, method and address."""
    grants: str | None
    """The kind of action that can be allowed for a day together with this one; null: none."""
    state: ConfirmationState
    always: bool
    """Whether it was."""
    expires_at: datetime
    answered_at: datetime | None
    answered_via: str = Field(examples=["button"])
    created_at: datetime


class ConfirmationsWanted(PartWanted):
    """Which confirmations are listed; what is not given does not matter."""

    user_id: Word | None = None
    """Those that this person is asked."""
    bot: Word | None = None
    """By this bot."""
    chat_id: Word | None = None
    """In this chat."""
    state: ConfirmationState | None = None
    """In this state."""


class AnswerIn(Body):
    """Who answers, and how."""

    user_id: Id | None = Field(examples=["42"])
    """The person who is asked; null, which is to be said, is an operator."""
    via: Literal["button", "command", "api", "console"] = "api"
    """By what."""


class ConfirmIn(AnswerIn):
    """Who confirms, and for how much."""

    always: StrictBool = False
    """Whether other actions of this kind may be done in this chat for a day, without asking."""


class GrantOut(BaseModel):
    """What a person has allowed in a chat for a while."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: int
    bot: str = Field(examples=["default"])
    chat_id: str = Field(examples=["42"])
    thread_id: str
    user_id: str = Field(examples=["42"])
    kind: str = Field(examples=["filesystem_write"])
    expires_at: datetime
    created_at: datetime


class GrantsWanted(PartWanted):
    """Which grants are listed; what is not given does not matter."""

    user_id: Word | None = None
    """What this person has allowed."""
    bot: Word | None = None
    """This bot."""
    chat_id: Word | None = None
    """In this chat."""


class RevokeWanted(BaseModel):
    """Who takes it back."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    user_id: Word | None = None
    """A person, who can take back only what is theirs; not given: an operator."""


LISTED = told(InvalidRequest, CursorInvalid, StorageUnavailable)
ANSWERED = told(BodyTooLarge, InvalidRequest, ConfirmationNotFound, ConfirmationOver, NotYours, StorageUnavailable)


@router.get("/confirmations", responses=LISTED)
async def list_confirmations(
    wanted: Annotated[ConfirmationsWanted, Query()], backend: BackendDep
) -> ListOut[ConfirmationOut]:
    """Everybody's, or those that fit the filters."""
    found = WantedConfirmations(wanted.user_id, wanted.bot, wanted.chat_id, wanted.state)
    after = read_cursor(wanted.cursor, number)
    page = await backend.agents.confirmations(found, after=after, limit=wanted.limit)
    return as_list(page, ConfirmationOut, lambda row: str(row["id"]))


@router.get("/confirmations/{id}", responses=told(InvalidRequest, ConfirmationNotFound, StorageUnavailable))
async def get_confirmation(id: ConfirmationId, backend: BackendDep) -> ConfirmationOut:
    """One confirmation."""
    return ConfirmationOut(**await backend.agents.confirmation(id))


@router.post("/confirmations/{id}/confirm", responses=ANSWERED)
async def confirm(id: ConfirmationId, answer: ConfirmIn, backend: BackendDep) -> ConfirmationOut:
    """Let it be done. Of confirming, cancelling and expiring exactly one happens, and only once."""
    confirmed = await backend.agents.confirm(id, answer.user_id, always=answer.always, via=answer.via)
    backend.chat.deliveries.ring()
    return ConfirmationOut(**confirmed)


@router.post("/confirmations/{id}/cancel", responses=ANSWERED)
async def cancel(id: ConfirmationId, answer: AnswerIn, backend: BackendDep) -> ConfirmationOut:
    """Do not do it. Its step ends, and what needs it is skipped."""
    cancelled = await backend.agents.cancel_confirmation(id, answer.user_id, via=answer.via)
    backend.chat.deliveries.ring()
    return ConfirmationOut(**cancelled)


@router.get("/grants", responses=LISTED)
async def list_grants(wanted: Annotated[GrantsWanted, Query()], backend: BackendDep) -> ListOut[GrantOut]:
    """What is allowed now without asking; for a day each."""
    after = read_cursor(wanted.cursor, number)
    page = await backend.agents.grants(wanted.bot, wanted.user_id, wanted.chat_id, after=after, limit=wanted.limit)
    return as_list(page, GrantOut, lambda row: str(row["id"]))


@router.delete(
    "/grants/{id}",
    status_code=204,
    response_class=Response,
    responses=told(InvalidRequest, GrantNotFound, StorageUnavailable),
)
async def revoke(id: GrantId, by: Annotated[RevokeWanted, Query()], backend: BackendDep) -> None:
    """Take back what was allowed: from now on it is asked again."""
    await backend.agents.revoke(id, by.user_id)
    backend.chat.deliveries.ring()
