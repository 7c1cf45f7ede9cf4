"""What a person may want beside an answer: to stop it, to correct what was said, and to begin anew."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.message import DEFAULT_BOT, QuoteIn, TextTooLong, check_length, content_of, key_of
from backend.api.problems import InvalidRequest, told
from backend.api.texts import Body, Id, OptionalId, Said, Word
from backend.bots import BotNotFound
from backend.chat import sessions
from backend.chat.interrupting import Place
from backend.chat.sessions import ResetAmbiguous
from backend.database import StorageUnavailable

router = APIRouter(prefix="/chat", tags=["chat"])


class PlaceIn(Body):
    """Where one person talks with one bot."""

    chat_id: Id = Field(examples=["42"])
    """The chat."""
    user_id: Id = Field(examples=["42"])
    """The person."""
    bot: Id = DEFAULT_BOT
    """With whom."""
    thread_id: OptionalId = ""
    """In which topic."""


class StopIn(PlaceIn):
    """Where one person wants no more of one bot."""

    runs: StrictBool = True
    """Whether what is done in the background is stopped, too."""


class StopOut(BaseModel):
    """What was stopped."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    stopped: int = Field(examples=[1])
    """How many turns: the one that is being answered, and those that wait behind it."""
    runs: int = Field(examples=[0])
    """How many runs."""


class EditIn(PlaceIn):
    """A message as it is now."""

    key: Id = Field(examples=["telegram:1:42:1001"])
    """The key that the message came with."""
    text: Said = Field(examples=["What did we decide on Monday?"])
    """At most `MAX_TEXT_LENGTH` (32,000) characters."""
    language: Word = ""
    """As in a message; so are `quote` and `forwarded_from`, if they shall stay."""
    quote: QuoteIn | None = None
    """What the person replies to."""
    forwarded_from: Word = ""
    """Who said the text."""


class EditOut(BaseModel):
    """What has become of it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    status: Literal["ok"] = "ok"
    corrected: bool
    """Whether there is such a message."""


class MoveIn(Body):
    """A group that has another id now."""

    chat_id: Id = Field(examples=["-42"])
    """What it was called."""
    to: Id = Field(examples=["-10042"])
    """What it is called."""
    bot: Id = DEFAULT_BOT
    """Whose sessions there are meant."""


class MoveOut(BaseModel):
    """What was moved."""

    moved_sessions: int = Field(examples=[3])


class ResetIn(Body):
    """Whose dialogue begins anew: the one of a session, or a person's in a chat."""

    session_id: UUID | None = None
    """Either this, or a chat."""
    chat_id: Id | None = Field(default=None, examples=["42"])
    """The chat, as in a message; so are `user_id`, `bot` and `thread_id`."""
    user_id: Id | None = Field(default=None, examples=["42"])
    """Whose dialogue; needed where several people talk in the chat."""
    bot: Id = DEFAULT_BOT
    """With whom."""
    thread_id: OptionalId = ""
    """In which topic."""
    forget: StrictBool = False
    """Whether what was said in it is to be deleted, as soon as that cannot be undone any more."""

    @model_validator(mode="after")
    def _names_somebody(self) -> "ResetIn":
        if (self.session_id is None) == (self.chat_id is None):
            raise PydanticCustomError("whose", "name either a session_id or a chat_id")
        if self.session_id and self.user_id:
            raise PydanticCustomError("whose", "a session_id goes without a user_id: a session is one person's")
        return self


class ResetOut(BaseModel):
    status: Literal["ok"] = "ok"
    reset_sessions: int = Field(examples=[1])
    session_ids: list[UUID]


@router.post("/stop", responses=told(BodyTooLarge, InvalidRequest, StorageUnavailable))
async def stop(body: StopIn, backend: BackendDep) -> StopOut:
    """Stop answering a person, and what is done for them in the background.

    An answer ends within a moment, whichever process writes it: what was written by then is the answer, for whoever
    waits for it too. Nothing to stop is no error.
    """
    place = Place(body.bot, body.chat_id, body.user_id, body.thread_id)
    # In this order: a turn that is stopped begins no run, and one that was faster has begun it by now.
    turns = await backend.chat.stop(place)
    runs = await backend.agents.stop(body.bot, body.chat_id, body.user_id, body.thread_id) if body.runs else 0
    if runs:
        backend.chat.deliveries.ring()
    return StopOut(stopped=turns, runs=runs)


@router.patch("/messages", responses=told(BodyTooLarge, InvalidRequest, TextTooLong, StorageUnavailable))
async def edit(body: EditIn, request: Request, backend: BackendDep) -> EditOut:
    """Correct a message.

    The transcript and memory have the new text. An answer that is to be delivered and is not there yet will be one to
    the new text. A message that is not known is no error.
    """
    await check_length(body.text, request)
    key = key_of(body, body.key)
    text = content_of(body.text, body.quote, body.forwarded_from, body.language)
    return EditOut(corrected=await backend.chat.edit(key, text))


@router.post("/move", responses=told(BodyTooLarge, InvalidRequest, BotNotFound, StorageUnavailable))
async def move(body: MoveIn, backend: BackendDep) -> MoveOut:
    """Let a group go on under another id, as when Telegram makes a supergroup of it.

    Everybody's sessions, what is remembered, documents, deliveries that wait, and the permission to talk there go with
    it. Of a person's two active sessions the newer one stays so. To say it again is no error.
    """
    return MoveOut(moved_sessions=await backend.chat.move(body.bot, body.chat_id, body.to))


@router.post("/reset", responses=told(BodyTooLarge, InvalidRequest, ResetAmbiguous, StorageUnavailable))
async def reset(body: ResetIn, backend: BackendDep) -> ResetOut:
    """Begin a new dialogue: messages and summary start empty.

    Other people's dialogues in the chat stay as they are. Nothing to reset is no error. For half a minute
    `POST /v1/sessions/{session_id}/reopen` undoes it.
    """
    if body.session_id:
        closed = await sessions.reset_session(backend.db, body.session_id, forget=body.forget)
    else:
        assert body.chat_id
        closed = await sessions.reset_chat(
            backend.db, body.bot, body.chat_id, body.thread_id, body.user_id, forget=body.forget
        )
    return ResetOut(reset_sessions=len(closed), session_ids=closed)
