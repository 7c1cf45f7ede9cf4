"""What is to be handed to people: relays fetch it, and tell how far they have come."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from backend.api.cards import LAST_ID, LONGEST_WAIT_SECONDS, Card
from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.message import DEFAULT_BOT, TextTooLong
from backend.api.problems import InvalidRequest, told
from backend.api.texts import Body, Id, OptionalId, Said, Word
from backend.bots import BotNotFound, TooManyMessages
from backend.chat.deliveries import DeliveryNotFound, DeliveryOver, LeaseLost, Notice, Progress
from backend.database import StorageUnavailable

router = APIRouter(tags=["deliveries"])

MOST_PARTS = 1_000
MOST_BUTTONS = 8


class ButtonIn(Body):
    """A button under a notice: it opens a page, or tells the client what was pressed."""

    text: Said = Field(max_length=64, examples=["Undo"])
    """What is written on it."""
    data: Word | None = Field(default=None, examples=["undo:7"])
    """Either this, which the client is told,"""
    url: str | None = Field(default=None, min_length=1, max_length=2_000, pattern=r"^https?://[^\s\x00]+$")
    """or a page."""

    @model_validator(mode="after")
    def _does_one_thing(self) -> "ButtonIn":
        if (self.data is None) == (self.url is None):
            raise PydanticCustomError("button", "a button has either data or a url")
        return self


class NoticeIn(Body):
    """Something to be said that answers no message."""

    bot: Id = DEFAULT_BOT
    """Who says it."""
    chat_id: Id = Field(examples=["42"])
    """Where."""
    thread_id: OptionalId = ""
    """In which topic."""
    user_id: OptionalId = ""
    """To whom, if to anybody in particular."""
    reply_to: OptionalId = ""
    """The client's name for the message it replies to."""
    language: Word = ""
    """In which language it is."""
    text: Said = Field(examples=["A new dialogue has begun."])
    """At most `MAX_TEXT_LENGTH` (32,000) characters."""
    buttons: list[Annotated[list[ButtonIn], Field(max_length=MOST_BUTTONS)]] | None = Field(
        default=None, max_length=MOST_BUTTONS
    )
    """Rows of buttons below it."""
    key: Id | None = Field(default=None, examples=["telegram:1:42:1001"])
    """Names this notice: if it comes again, it is the same delivery."""
    counts: StrictBool = False
    """Whether the person asked for it: then it counts as a message of theirs, and one too many is refused."""

    @model_validator(mode="after")
    def _counts_for_somebody(self) -> "NoticeIn":
        if self.counts and not self.user_id:
            raise PydanticCustomError("counts", "what counts has a user_id")
        return self


class DeliveryOut(BaseModel):
    """Something to be handed to a person."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: int
    bot: str = Field(examples=["default"])
    turn_id: UUID | None
    kind: Literal["answer", "problem", "notice", "run", "confirmation", "file"]
    """The answer, the problem or the run of a turn; a run's question, one of its files, or its result (an `answer`
    without a `turn_id`); or a notice."""
    chat_id: str = Field(examples=["42"])
    thread_id: str
    user_id: str
    reply_to: str
    """The client's name for the message that is answered."""
    language: str = Field(examples=["ru"])
    text: str = Field(examples=["To meet on Friday at six."])
    """Of a problem, its type. Empty when a turn was stopped before anything was written."""
    stopped: bool
    """Whether the person stopped the answer: the text is what was written by then."""
    buttons: list[list[dict[str, str]]] | None
    parts: int | None
    """Into how many messages the client has cut it."""
    sent: int
    """So many of them have arrived."""
    sending: int | None
    """This one may be on its way."""
    state: Literal["pending", "sent", "failed"]
    shown_as: str
    """The client's message that shows the beginning of it: to be edited, instead of sent."""
    max_length: int | None
    """So many characters of it the bot says at most."""
    card: Card | None = None
    """What there is to show of a run, a confirmation or a file, beside the text."""
    changed: int
    """Counts the changes of a card: with a greater one it is newer."""


class DeliveriesOut(BaseModel):
    """What a relay should hand out, oldest first."""

    data: list[DeliveryOut]


class ProgressIn(Body):
    """How far a relay has come with a delivery; what is missing stays as it is."""

    relay: UUID
    """Who tells."""
    parts: StrictInt | None = Field(default=None, ge=1, le=MOST_PARTS)
    """Into how many messages it is cut."""
    sending: StrictInt | None = Field(default=None, ge=1, le=MOST_PARTS)
    """Which one is about to be sent; null: none. If it is marked already, it counts as repeated."""
    sent: StrictInt | None = Field(default=None, ge=0, le=MOST_PARTS)
    """How many have arrived."""
    message_id: Id | None = None
    """What the last of them is called there."""
    state: Literal["sent", "failed"] | None = None
    """How it has ended."""
    problem: Word | None = Field(default=None, examples=["blocked"])
    """Why it failed."""
    shown: StrictInt | None = Field(default=None, ge=0, le=LAST_ID)
    """Of a card, the `changed` up to which it is seen."""


class ShownIn(Body):
    """Where people see an answer while it is written."""

    relay: UUID
    """Who shows it."""
    message_id: Id
    """As this message of the client's."""


class PendingWanted(BaseModel):
    """From where on, and how long to wait for it."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    after: int = Field(default=0, ge=0, le=LAST_ID)
    """Only those with a greater id. Ids may become visible in another order: ask with 0 now and then."""
    wait: float = Field(default=0, ge=0, le=LONGEST_WAIT_SECONDS)
    """So many seconds to wait for the first, if there is none."""


@router.post(
    "/deliveries",
    status_code=201,
    responses=told(BodyTooLarge, InvalidRequest, TextTooLong, BotNotFound, TooManyMessages, StorageUnavailable)
    | {200: {"description": "It was there already.", "model": DeliveryOut}},
)
async def add_delivery(notice: NoticeIn, backend: BackendDep, response: Response) -> DeliveryOut:
    """Say something that answers no message: it is stored, and handed out by the bot's relay."""
    limit = backend.settings.max_text_length
    if len(notice.text) > limit:
        raise TextTooLong(f"at most {limit} characters, not {len(notice.text)}", limit=limit)
    if notice.counts and not (notice.key and await backend.chat.deliveries.find(notice.bot, notice.key)):
        await backend.bots.count(notice.bot, notice.user_id)
    delivery, new = await backend.chat.deliveries.add(
        Notice(**notice.model_dump(exclude={"buttons", "counts"}), buttons=_rows(notice))
    )
    response.status_code = 201 if new else 200
    return DeliveryOut(**delivery)


def _rows(notice: NoticeIn) -> list[list[dict[str, str]]] | None:
    if notice.buttons is None:
        return None
    return [[button.model_dump(exclude_none=True) for button in row] for row in notice.buttons]


@router.get("/relays/{relay_id}/deliveries", responses=told(InvalidRequest, StorageUnavailable))
async def list_pending(relay_id: UUID, wanted: Annotated[PendingWanted, Query()], backend: BackendDep) -> DeliveriesOut:
    """What waits to be handed out by the bots whose lease the relay holds; at most 100 at once."""
    rows = await backend.chat.deliveries.pending(relay_id, after=wanted.after, wait=wanted.wait)
    return DeliveriesOut(data=[DeliveryOut(**row) for row in rows])


@router.patch(
    "/deliveries/{delivery_id}",
    responses=told(BodyTooLarge, InvalidRequest, DeliveryNotFound, LeaseLost, DeliveryOver, StorageUnavailable),
)
async def advance_delivery(
    delivery_id: Annotated[int, Path(ge=0, le=LAST_ID)], progress: ProgressIn, backend: BackendDep
) -> DeliveryOut:
    """Tell how far a delivery has come: before each part which one is sent, and after it that it has arrived."""
    told_of: dict[str, Any] = progress.model_dump(exclude={"relay"})
    if "sending" in progress.model_fields_set and progress.sending is None:
        told_of["sending"] = 0
    return DeliveryOut(**await backend.chat.deliveries.advance(delivery_id, progress.relay, Progress(**told_of)))


@router.put(
    "/turns/{turn_id}/shown",
    status_code=204,
    response_class=Response,
    responses=told(BodyTooLarge, InvalidRequest, LeaseLost, StorageUnavailable),
)
async def show_turn(turn_id: UUID, shown: ShownIn, backend: BackendDep) -> None:
    """Tell which message shows an answer while it is written, for whoever goes on if this relay dies."""
    await backend.chat.deliveries.show(turn_id, shown.relay, shown.message_id)
