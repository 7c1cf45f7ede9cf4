"""A message and its answer, plain or streamed."""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.api.deliveries import DeliveryOut
from backend.api.dependencies import BackendDep, get_backend
from backend.api.gate import BodyTooLarge
from backend.api.message import KEY_HEADER, MessageIn, StreamedIn, TextTooLong, read_message
from backend.api.problems import InvalidRequest, explain, told
from backend.bootstrap import Backend
from backend.bots import ApprovalNeeded, Asking, NotAllowed, TooManyMessages
from backend.chat import Asked, Reply
from backend.chat.chat import AnswerForgotten
from backend.chat.delivering import LeftToHuman, Merged, Restarted, Underway
from backend.chat.turns import KeyReused, SessionBusy, TurnInterrupted
from backend.database import StorageUnavailable
from backend.llm import NoProviderAnswered
from backend.memory.scopes import BotNotFound

router = APIRouter(prefix="/chat", tags=["chat"])


class MessageOut(BaseModel):
    """What answers it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    text: str = Field(examples=["To meet on Friday at six."])
    type: Literal["message", "run", "notice"] = "message"
    """`run`: it is done in the background, and the text says so. `notice`: words of the backend's own."""
    session_id: UUID
    turn_id: UUID
    """The same when the answer is given again for the same key."""
    model: str = Field(examples=["openrouter:google/gemini-2.5-flash"])
    """Who wrote it: provider and model."""
    run_id: UUID | None = None
    """Of the type `run`: `GET /v1/runs/{run_id}` tells how it fares, and its result becomes a message."""


REFUSALS = BodyTooLarge, InvalidRequest, TextTooLong
ACCESS = NotAllowed, ApprovalNeeded, TooManyMessages
FAILURES = (
    BotNotFound,
    AnswerForgotten,
    KeyReused,
    SessionBusy,
    NoProviderAnswered,
    TurnInterrupted,
    StorageUnavailable,
)
EVENTS = """event: delta
data: {"text":"To meet "}

event: delta
data: {"text":"on Friday at six."}

event: done
data: {"text":"To meet on Friday at six.","type":"message","session_id":"…","turn_id":"…","model":"…","run_id":null}
"""
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`delta`, then `done` or `problem`; with `deliver` first `accepted`, and last `delivery`.",
        "content": {"text/event-stream": {"example": EVENTS}},
    }
}


class _Straight(APIRoute):
    """What every turn passes: a good message is read in one step; what is wrong with any other, FastAPI finds out."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        usual = super().get_route_handler()

        async def read_straight(request: Request) -> Response:
            if request.headers.get("content-type") != "application/json":
                return await usual(request)
            try:
                message = MessageIn.model_validate_json(await request.body())
            except ValidationError:
                return await usual(request)
            return await handle(message, request)

        return read_straight


async def handle(message: MessageIn, request: Request) -> Response:
    """Answer a message.

    It waits its turn if the session is still answering an earlier one. After a problem with status 409 or 503, the
    same `key` may be sent again.
    """
    backend, asked = await get_backend(request), await read_message(message, request)
    return Response(orjson.dumps(_wire(await backend.chat.take_turn(asked))), media_type="application/json")


router.add_api_route(
    "/handle",
    handle,
    methods=["POST"],
    response_model=MessageOut,
    responses=told(*REFUSALS, *FAILURES),
    openapi_extra={"parameters": [KEY_HEADER]},
    route_class_override=_Straight,
)


async def open_stream(message: StreamedIn, request: Request) -> Asked | Underway:
    """The message; if its answer is to be delivered, it is stored already. Raises what refuses it."""
    asked = await read_message(message, request)
    if not message.deliver:
        return asked
    backend, asked = await get_backend(request), replace(asked, delivers=True, reply_to=message.reply_to)
    if underway := await backend.chat.find(asked):
        return underway  # it was admitted when it came for the first time
    asking = Asking(asked.bot, asked.user_id, asked.user_name, asked.chat_id, asked.chat_type, asked.language)
    await backend.bots.admit(asking)
    return await backend.chat.accept(asked)


@router.post(
    "/stream",
    response_class=EventSourceResponse,
    responses=STREAM | told(*REFUSALS, *ACCESS, BotNotFound, KeyReused, TurnInterrupted, StorageUnavailable),
    openapi_extra={"parameters": [KEY_HEADER]},
)
async def stream(
    opened: Annotated[Asked | Underway, Depends(open_stream)], backend: BackendDep
) -> AsyncIterator[ServerSentEvent]:
    """Answer a message while it is written, as server-sent events.

    `delta` carries the next piece of the text. What comes last is `done`, with what `/handle` answers, or `problem`,
    with one of its problems. If the connection breaks, the answer is recorded all the same: ask with the same `key`.
    Comments are signs of life.

    With `deliver`, what refuses the message is told by the status. The first event is then `accepted`, with the turn's
    and the session's id: the message is stored for good, and will be answered. What comes last is `delivery`, which
    `GET /v1/relays/{relay_id}/deliveries` has as well; or `merged`, if the person went on writing at once: then the
    answer to the next message answers both; or `human`, if an operator has taken the session over, and will answer.
    After `restart` the answer is written anew, and is not shown any more.
    """
    try:
        async for name, data in _events(opened, backend):
            yield ServerSentEvent(event=name, raw_data=orjson.dumps(data).decode())
    except Exception as error:  # noqa: BLE001 - the status is sent: whatever it is, only an event can tell of it now
        yield ServerSentEvent(event="problem", raw_data=orjson.dumps(explain(error).body()).decode())


async def _events(opened: Asked | Underway, backend: Backend) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    if isinstance(opened, Asked):
        async for piece in backend.chat.stream_turn(opened):
            yield ("done", _wire(piece)) if isinstance(piece, Reply) else ("delta", {"text": piece})
        return
    yield "accepted", {"turn_id": str(opened.turn_id), "session_id": str(opened.session_id)}
    async for what in backend.chat.follow(opened):
        if isinstance(what, str):
            yield "delta", {"text": what}
        elif isinstance(what, Restarted | Merged | LeftToHuman):
            yield what.name, {}
        else:
            yield "delivery", DeliveryOut(**what).model_dump(mode="json")


def _wire(reply: Reply) -> dict[str, Any]:
    return {
        "text": reply.text,
        "type": reply.type,
        "session_id": str(reply.session_id),
        "turn_id": str(reply.turn_id),
        "model": reply.model,
        "run_id": reply.run_id and str(reply.run_id),
    }
