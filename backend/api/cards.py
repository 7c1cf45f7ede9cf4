"""What relays show of runs beside words: cards, which go on changing after they were sent, and files."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.problems import InvalidRequest, told
from backend.api.texts import Body
from backend.chat.deliveries import DeliveryNotFound, LeaseLost
from backend.database import StorageUnavailable

router = APIRouter(tags=["deliveries"])

LAST_ID = 2**63 - 1
LONGEST_WAIT_SECONDS = 30.0

CONTENT: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}

DeliveryId = Annotated[int, Path(ge=0, le=LAST_ID)]


class _Shown(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class StepShown(_Shown):
    """One step of a run."""

    position: int
    kind: Literal["plan", "act"]
    name: str = Field(examples=["Look up the weather in Kazan"])
    """What is to be done, as much of it as fits into a line."""
    agent: str | None
    status: Literal["pending", "running", "waiting", "completed", "failed", "cancelled", "expired", "skipped"]


class RunCard(_Shown):
    """How a run fares."""

    run_id: UUID
    status: Literal["pending", "running", "waiting", "completed", "failed", "cancelled", "expired"]
    title: str
    steps: list[StepShown]
    skippable: bool
    """Whether it goes on, with more than one step."""


class ConfirmationCard(_Shown):
    """What a person is asked before something is done."""

    id: int
    run_id: UUID
    kind: Literal["action", "repeat"]
    """`repeat`: it may have been done already."""
    skill: str
    title: str
    detail: str
    """Exactly what will be done."""
    state: Literal["waiting", "confirmed", "cancelled", "expired"]
    always: bool
    """Whether the person has allowed all actions of this kind for a while."""
    grants: bool
    """Whether they can."""
    expires_at: datetime
    answered_via: str


class FileCard(_Shown):
    """A file that a run has made."""

    file_id: int
    name: str
    media_type: str
    size: int


Card = RunCard | ConfirmationCard | FileCard


class ChangedCard(_Shown):
    """A card that was sent, and should be shown anew."""

    id: int
    """The delivery's."""
    bot: str
    kind: Literal["run", "confirmation"]
    chat_id: str
    thread_id: str
    user_id: str
    language: str
    text: str
    """What stands above the card of a run."""
    max_length: int | None
    card: Card
    changed: int
    """Counts the changes of all cards."""
    message_id: str
    """The client's message that shows it."""


class CardsOut(BaseModel):
    """What a relay should show anew, in the order of the changes."""

    data: list[ChangedCard]


class CardsWanted(BaseModel):
    """From where on, and how long to wait for it."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    after: int = Field(default=0, ge=0, le=LAST_ID)
    """Only those with a greater `changed`. They may become visible in another order: ask with 0 now and then."""
    wait: float = Field(default=0, ge=0, le=LONGEST_WAIT_SECONDS)
    """So many seconds to wait for the first, if there is none."""


class CardShownIn(Body):
    """What people see now."""

    relay: UUID
    """Who tells."""
    changed: StrictInt = Field(ge=0, le=LAST_ID)
    """The card as it was with this change."""


@router.get("/relays/{relay_id}/cards", responses=told(InvalidRequest, StorageUnavailable))
async def list_changed(relay_id: UUID, wanted: Annotated[CardsWanted, Query()], backend: BackendDep) -> CardsOut:
    """The cards that were sent by bots whose lease the relay holds, and have changed since; at most 100 at once."""
    rows = await backend.chat.deliveries.changed(relay_id, after=wanted.after, wait=wanted.wait)
    return CardsOut(data=[ChangedCard(**row) for row in rows])


@router.put(
    "/deliveries/{delivery_id}/shown",
    status_code=204,
    response_class=Response,
    responses=told(BodyTooLarge, InvalidRequest, DeliveryNotFound, LeaseLost, StorageUnavailable),
)
async def show_card(delivery_id: DeliveryId, shown: CardShownIn, backend: BackendDep) -> None:
    """Tell up to which change a card is seen, or never will be; what was newer stays newer."""
    await backend.chat.deliveries.show_card(delivery_id, shown.relay, shown.changed)


@router.get(
    "/deliveries/{delivery_id}/file",
    response_class=Response,
    responses=CONTENT | told(InvalidRequest, DeliveryNotFound, StorageUnavailable),
)
async def get_file(delivery_id: DeliveryId, backend: BackendDep) -> Response:
    """The content of a delivery of kind `file`; its name and type are told by the card."""
    content = await backend.chat.deliveries.file(delivery_id)
    # Others may have made it: no browser is to take it for a page of ours.
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type="application/octet-stream", headers=headers)
