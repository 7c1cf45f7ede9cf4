"""A message and its answer, plain or streamed; and the beginning of a new dialogue."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from backend.api.dependencies import BackendDep, get_backend
from backend.api.gate import BodyTooLarge
from backend.api.problems import InvalidRequest, explain, told
from backend.api.texts import LONGEST, Body, Id, OptionalId, Said, Word
from backend.bots import ApprovalNeeded, NotAllowed, TooManyMessages
from backend.chat import Asked, Reply, sessions
from backend.chat.chat import AnswerForgotten
from backend.chat.sessions import ResetAmbiguous
from backend.chat.turns import KeyReused, SessionBusy, TurnInterrupted
from backend.database import StorageUnavailable
from backend.errors import Invalid
from backend.llm import NoProviderAnswered
from backend.llm.tokens import count_tokens
from backend.memory.scopes import BotNotFound

router = APIRouter(prefix="/chat", tags=["chat"])

DEFAULT_BOT = "default"
# Keys are hashed with whom they belong to, so that nobody can ask for another's answer by guessing a key.
KEYS = UUID("5f1f6ad1-6c8c-4c55-9a5c-4f5d1f6b1c61")


class TextTooLong(Invalid):
    """The text is too long."""


class MessageIn(Body):
    """What a person says."""

    user_id: Id = Field(examples=["42"])
    """Who speaks."""
    chat_id: Id = Field(examples=["42"])
    """Where: a person's words in one chat are one conversation, and others in the chat have theirs."""
    text: Said = Field(examples=["What did we decide yesterday?"])
    """At most `MAX_TEXT_LENGTH` (32,000) characters."""
    bot: Id = DEFAULT_BOT
    """Who is spoken to."""
    thread_id: OptionalId = ""
    """A topic within the chat, if it has topics."""
    chat_type: Literal["private", "group", "supergroup", "channel"] = "private"
    """What a person says in private is not recalled elsewhere."""
    user_name: Word = Field(default="", examples=["Anna"])
    """What others call the person: memory finds by it who said what."""
    language: Word = Field(default="", examples=["ru", "en-US"])
    """The person's: words of the backend's own are Russian for `ru…`, else English."""
    key: Id | None = Field(default=None, examples=["telegram:1:42:1001"])
    """Names this message: if it comes again, it gets the same answer and is not answered twice."""


class MessageOut(BaseModel):
    """What answers it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    text: str = Field(examples=["To meet on Friday at six."])
    type: Literal["message"] = "message"
    session_id: UUID
    turn_id: UUID
    """The same when the answer is given again for the same key."""
    model: str = Field(examples=["openrouter:google/gemini-2.5-flash"])
    """Who wrote it: provider and model."""


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


KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same as `key` in the body, which goes before it.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
}
REFUSALS = BodyTooLarge, InvalidRequest, TextTooLong
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
data: {"text":"To meet on Friday at six.","type":"message","session_id":"…","turn_id":"…","model":"…"}
"""
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "`delta`, then `done` or `problem`.", "content": {"text/event-stream": {"example": EVENTS}}}
}


async def read_message(message: MessageIn, request: Request) -> Asked:
    """The message as the domain knows it. Raises `TextTooLong` or `InvalidRequest`."""
    limit = (await get_backend(request)).settings.max_text_length
    if len(message.text) > limit:
        raise TextTooLong(f"at most {limit} characters, not {len(message.text)}", limit=limit)
    return Asked(
        bot=message.bot,
        chat_id=message.chat_id,
        thread_id=message.thread_id,
        user_id=message.user_id,
        user_name=message.user_name,
        chat_type=message.chat_type,
        language=message.language,
        text=message.text,
        tokens=count_tokens(message.text),
        key=_key(message, request.headers.get("Idempotency-Key")),
    )


def _key(message: MessageIn, header: str | None) -> UUID | None:
    if header is not None and not 0 < len(header) <= LONGEST:
        mistake = {"at": "header.Idempotency-Key", "message": f"should have 1 to {LONGEST} characters"}
        raise InvalidRequest(errors=[mistake])
    key = message.key or header
    owner = (message.bot, message.chat_id, message.thread_id, message.user_id)
    return uuid5(KEYS, "\x00".join((*owner, key))) if key else None


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


@router.post(
    "/stream",
    response_class=EventSourceResponse,
    responses=STREAM | told(*REFUSALS, NotAllowed, ApprovalNeeded, TooManyMessages),
    openapi_extra={"parameters": [KEY_HEADER]},
)
async def stream(asked: Annotated[Asked, Depends(read_message)], backend: BackendDep) -> AsyncIterator[ServerSentEvent]:
    """Answer a message while it is written, as server-sent events.

    `delta` carries the next piece of the text. What comes last is `done`, with what `/handle` answers, or `problem`,
    with one of its problems. If the connection breaks, the answer is recorded all the same: ask with the same `key`.
    Comments are signs of life.
    """
    try:
        async for piece in backend.chat.stream_turn(asked):
            yield _event("done", _wire(piece)) if isinstance(piece, Reply) else _event("delta", {"text": piece})
    except Exception as error:  # noqa: BLE001 - the status is sent: whatever it is, only an event can tell of it now
        yield _event("problem", explain(error).body())


@router.post("/reset", responses=told(BodyTooLarge, InvalidRequest, ResetAmbiguous, StorageUnavailable))
async def reset(body: ResetIn, backend: BackendDep) -> ResetOut:
    """Begin a new dialogue: messages and summary start empty.

    Other people's dialogues in the chat stay as they are. Nothing to reset is no error.
    """
    if body.session_id:
        closed = await sessions.reset_session(backend.db, body.session_id)
    else:
        assert body.chat_id
        closed = await sessions.reset_chat(backend.db, body.bot, body.chat_id, body.thread_id, body.user_id)
    return ResetOut(reset_sessions=closed)


def _wire(reply: Reply) -> dict[str, Any]:
    return {
        "text": reply.text,
        "type": "message",
        "session_id": str(reply.session_id),
        "turn_id": str(reply.turn_id),
        "model": reply.model,
    }


def _event(name: str, data: dict[str, Any]) -> ServerSentEvent:
    """Encoded here: FastAPI's JSON would spell every Russian letter with six."""
    return ServerSentEvent(event=name, raw_data=orjson.dumps(data).decode())
