"""A message and its answer, plain or streamed; and the beginning of a new dialogue."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID, uuid5

import orjson
from fastapi import APIRouter, Header, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field, model_validator

from backend.api.dependencies import BackendDep
from backend.api.texts import Body, Id, OptionalId, Said
from backend.bootstrap import Backend
from backend.chat import Asked, Reply, sessions
from backend.errors import Invalid, Problem
from backend.llm.tokens import count_tokens

router = APIRouter(prefix="/chat", tags=["chat"])

DEFAULT_BOT = "default"
# Keys are hashed with whom they belong to, so that nobody can ask for another's answer by guessing a key.
KEYS = UUID("5f1f6ad1-6c8c-4c55-9a5c-4f5d1f6b1c61")


class TextTooLong(Invalid):
    """The text is too long."""


class MessageIn(Body):
    """What a person says."""

    user_id: Id
    chat_id: Id
    text: Said
    bot: Id = DEFAULT_BOT
    thread_id: OptionalId = ""
    chat_type: Literal["private", "group", "supergroup", "channel"] = "private"
    language: Annotated[OptionalId, Field(description="As ru or en-US; Russian for ru…, else English.")] = ""
    key: Annotated[Id | None, Field(description="The same key again gets the same answer.")] = None


class MessageOut(BaseModel):
    """What answers it."""

    text: str
    type: Literal["message"] = "message"
    session_id: UUID
    turn_id: UUID
    model: str


class ResetIn(Body):
    """Whose dialogue begins anew: a session's, or a person's in a chat."""

    session_id: UUID | None = None
    chat_id: Id | None = None
    user_id: Id | None = None
    bot: Id = DEFAULT_BOT
    thread_id: OptionalId = ""

    @model_validator(mode="after")
    def _names_somebody(self) -> "ResetIn":
        if (self.session_id is None) == (self.chat_id is None):
            raise ValueError("name either a session_id or a chat_id")
        return self


class ResetOut(BaseModel):
    status: Literal["ok"] = "ok"
    reset_sessions: int


IdempotencyKey = Annotated[Id | None, Header(alias="Idempotency-Key", description="The same as `key`.")]


@router.post("/handle", response_model=MessageOut)
async def handle(body: MessageIn, backend: BackendDep, idempotency_key: IdempotencyKey = None) -> Response:
    """Answer a message. It waits its turn if the session is still answering an earlier one."""
    reply = await backend.chat.take_turn(_asked(body, idempotency_key, backend))
    return Response(orjson.dumps(_wire(reply)), media_type="application/json")


@router.post("/stream", response_class=EventSourceResponse)
async def stream(
    body: MessageIn, backend: BackendDep, idempotency_key: IdempotencyKey = None
) -> AsyncIterator[ServerSentEvent]:
    """Answer a message while it is written: events `delta` with a text, then `done` with the whole, or `problem`."""
    try:
        async for piece in backend.chat.stream_turn(_asked(body, idempotency_key, backend)):
            if isinstance(piece, Reply):
                yield ServerSentEvent(event="done", data=_wire(piece))
            else:
                yield ServerSentEvent(event="delta", data={"text": piece})
    except Problem as problem:
        yield ServerSentEvent(event="problem", data=problem.body())


@router.post("/reset")
async def reset(body: ResetIn, backend: BackendDep) -> ResetOut:
    """Begin a new dialogue: messages and summary start empty, semantic memory stays. Nothing to reset is no error."""
    if body.session_id:
        return ResetOut(reset_sessions=await sessions.reset_session(backend.db, body.session_id))
    assert body.chat_id
    return ResetOut(
        reset_sessions=await sessions.reset_chat(backend.db, body.bot, body.chat_id, body.thread_id, body.user_id)
    )


def _asked(body: MessageIn, header: str | None, backend: Backend) -> Asked:
    limit = backend.settings.max_text_length
    if len(body.text) > limit:
        raise TextTooLong(f"at most {limit} characters, not {len(body.text)}", limit=limit)
    key = body.key or header
    owner = "\x00".join((body.bot, body.chat_id, body.thread_id, body.user_id))
    return Asked(
        bot=body.bot,
        chat_id=body.chat_id,
        thread_id=body.thread_id,
        user_id=body.user_id,
        chat_type=body.chat_type,
        language=body.language,
        text=body.text,
        tokens=count_tokens(body.text),
        key=uuid5(KEYS, f"{owner}\x00{key}") if key else None,
    )


def _wire(reply: Reply) -> dict[str, str]:
    return {
        "text": reply.text,
        "type": "message",
        "session_id": str(reply.session_id),
        "turn_id": str(reply.turn_id),
        "model": reply.model,
    }
