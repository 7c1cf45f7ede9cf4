"""The processes that stand between Telegram and the backend: which of them runs which bots."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.problems import InvalidRequest, told
from backend.api.texts import NO_NUL, Body, Id, Word, storable
from backend.bots import LEASE_SECONDS, Told
from backend.database import StorageUnavailable

router = APIRouter(prefix="/relays", tags=["relays"])

MOST_BOTS = 1_000
LONGEST_ERROR = 2_000

State = Literal["pending", "running", "failed", "stopped"]
Sentence = Annotated[
    str, Field(max_length=LONGEST_ERROR, json_schema_extra={"pattern": NO_NUL}), AfterValidator(storable)
]


class RunningBot(Body):
    """How a bot fares that this relay runs."""

    slug: Id = Field(examples=["support"])
    state: State
    """`stopped` is told once, when a bot is no longer among those that the relay may run."""
    error: Sentence = Field(default="", examples=["Telegram does not know this token"])
    """Why it fails, as long as it does."""
    username: Word = Field(default="", examples=["support_bot"])
    """What Telegram calls it."""


class BeatIn(Body):
    """What a relay runs now."""

    bots: list[RunningBot] = Field(max_length=MOST_BOTS)


class HeldBot(BaseModel):
    """A bot that this relay may run, and all that it needs for that."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    slug: str = Field(examples=["support"])
    telegram_id: str = Field(examples=["123456789"])
    sealed_token: str
    """The token, as only a holder of `SECRET_KEY` can read it. It may be sealed anew without being another one."""
    name: str
    language: str
    triggers: list[str] = Field(examples=[["mention", "reply", "command"]])
    """What is meant for the bot in a group."""
    called: list[str]
    """The names it is called by, for the trigger `name`."""
    keywords: list[str]
    """The words it listens for, for the trigger `keyword`."""


class BeatOut(BaseModel):
    """What a relay may run from now on."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    lease_seconds: int = Field(examples=[LEASE_SECONDS])
    """For so long, counted from before it asked; then not without asking again."""
    bots: list[HeldBot]


@router.post("/{relay_id}", responses=told(BodyTooLarge, InvalidRequest, StorageUnavailable))
async def beat(relay_id: UUID, body: BeatIn, backend: BackendDep) -> BeatOut:
    """A relay's sign of life: it keeps its bots, gets those that nobody runs, and learns what has changed.

    One bot is run by one relay at a time. A bot that was stopped is missing from the answer.
    """
    held = await backend.bots.beat(relay_id, [Told(**dict(bot)) for bot in body.bots])
    return BeatOut(lease_seconds=LEASE_SECONDS, bots=[HeldBot(**row) for row in held])


@router.delete(
    "/{relay_id}", status_code=204, response_class=Response, responses=told(InvalidRequest, StorageUnavailable)
)
async def leave(relay_id: UUID, backend: BackendDep) -> None:
    """A relay ends: another one may run its bots at once."""
    await backend.bots.free(relay_id)
