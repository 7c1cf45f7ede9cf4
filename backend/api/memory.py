"""What memory holds: searched, and forgotten."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.message import DEFAULT_BOT
from backend.api.problems import InvalidRequest, told
from backend.api.texts import Body, Id, OptionalId, Said
from backend.database import StorageUnavailable
from backend.memory.scopes import BotNotFound, Whose

router = APIRouter(prefix="/memory", tags=["memory"])

MOST_PASSAGES = 50


class SearchIn(Body):
    """A question, and whose memory may answer it: a person's, or a group's."""

    text: Said = Field(max_length=32_000, examples=["What is my cat called?"])
    """What is looked for, in any words."""
    user_id: Id | None = Field(default=None, examples=["42"])
    """The person who said it in private."""
    chat_id: Id | None = Field(default=None, examples=["-1001"])
    """Or the group it was said in."""
    thread_id: OptionalId = ""
    """In which of the group's topics."""
    bot: Id = DEFAULT_BOT
    """To whom."""
    limit: int = Field(default=5, ge=1, le=MOST_PASSAGES)
    """How many passages at most."""
    at: AwareDatetime | None = None
    """The moment of asking, for words such as "yesterday": now, if not given."""

    @model_validator(mode="after")
    def _names_somebody(self) -> "SearchIn":
        if (self.user_id is None) == (self.chat_id is None):
            raise PydanticCustomError("whose", "name either a user_id or a chat_id")
        return self

    @property
    def whose(self) -> Whose:
        return Whose(self.bot, self.user_id or "", self.chat_id or "", self.thread_id)


class PassageOut(BaseModel):
    """A piece of a message or a document, word for word."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)

    message_id: int | None
    document_id: UUID | None
    session_id: UUID | None
    role: str = Field(examples=["user"])
    speaker: str = Field(examples=["Anna"])
    content: str = Field(examples=["My cat is called Luna."])
    said_at: datetime
    score: float
    """Higher is better; comparable within one search."""
    why: dict[str, float] = Field(examples=[{"meaning": 1.2, "words": 0.8}])
    """What the score is the sum of."""


class FoundOut(BaseModel):
    """What was found, best first."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)

    strength: Literal["strong", "weak", "none"]
    """How likely the best of them is about the question at all."""
    by: Literal["meaning and words", "words"]
    """By words alone while there is no embedder, or it or the vector store is away."""
    passages: list[PassageOut]


class ForgetIn(BaseModel):
    """Who is forgotten."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    user_id: Id
    """The person: everything they said and were told, in private and in groups."""
    bot: Id | None = None
    """Only by this bot."""


class ReceiptOut(BaseModel):
    """What was deleted, and what is left of it when it is looked for."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)

    sessions: int
    turns: int
    messages: int
    summaries: int
    documents: int
    runs: int
    calls: int
    """Of skills, as they were audited. Files that agents have kept for the person are deleted by the worker, soon."""
    grants: int
    """What they had allowed agents to do."""
    deliveries: int
    """Of what was to be handed to them in Telegram, or was."""
    admissions: int
    """Requests to be let in; one that was decided loses the name, and stays decided."""
    embeddings: int
    vectors: int | None
    """Null while the vector store is away: they are deleted when it is back."""
    left: int
    """Of all these, what is still there; 0, or something is wrong."""
    found: int
    """Passages that a search for what was deleted still finds; 0, or something is wrong."""


@router.post("/search", responses=told(BodyTooLarge, InvalidRequest, BotNotFound, StorageUnavailable))
async def search(wanted: SearchIn, backend: BackendDep) -> FoundOut:
    """Find what was said, by meaning and by words; every score is explained."""
    found = await backend.memory.search(
        wanted.whose, wanted.text, at=wanted.at or datetime.now(UTC), limit=wanted.limit
    )
    return FoundOut.model_validate(found)


@router.delete("", responses=told(InvalidRequest, StorageUnavailable))
async def forget(wanted: Annotated[ForgetIn, Query()], backend: BackendDep) -> ReceiptOut:
    """Delete everything that is kept of a person: for good, and with a receipt.

    What the calls of models have cost stays, without what was said in them.
    """
    return ReceiptOut.model_validate(await backend.memory.forget(wanted.user_id, wanted.bot))
