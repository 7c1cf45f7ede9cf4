"""What a person says, as it comes over the wire."""

from typing import Literal, Protocol
from uuid import UUID, uuid5

from fastapi import Request
from pydantic import Field, StrictBool

from backend.api.dependencies import get_backend
from backend.api.problems import InvalidRequest
from backend.api.texts import LONGEST, Body, Id, OptionalId, Said, Word
from backend.chat import Asked
from backend.chat.quoting import Quote, framed
from backend.errors import Invalid
from backend.llm.tokens import count_tokens

DEFAULT_BOT = "default"
# Keys are hashed with whom they belong to, so that nobody can ask for another's answer by guessing a key.
KEYS = UUID("5f1f6ad1-6c8c-4c55-9a5c-4f5d1f6b1c61")

KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same as `key` in the body, which goes before it.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
}


class TextTooLong(Invalid):
    """The text is too long."""


class QuoteIn(Body):
    """Another message, to which one replies."""

    speaker: Word = Field(default="", examples=["Boris"])
    """Who said it."""
    text: Said = Field(examples=["Let us meet on Friday."])
    """The model and memory are shown its first 1,000 characters."""


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
    quote: QuoteIn | None = None
    """What the person replies to: it becomes a part of the message."""
    forwarded_from: Word = Field(default="", examples=["Boris"])
    """Who said the text, if the person only passes it on."""


class StreamedIn(MessageIn):
    """What a person says, and how it is to be answered."""

    deliver: StrictBool = False
    """Whether the message is to be answered whatever happens: its end becomes a delivery, for the bot's relay."""
    reply_to: OptionalId = ""
    """The client's name for this message, which the delivery tells it."""


async def read_message(message: MessageIn, request: Request) -> Asked:
    """The message as the domain knows it. Raises `TextTooLong` or `InvalidRequest`."""
    await check_length(message.text, request)
    text = content_of(message.text, message.quote, message.forwarded_from, message.language)
    in_header = _key_in_header(request)
    key = message.key or in_header
    return Asked(
        bot=message.bot,
        chat_id=message.chat_id,
        thread_id=message.thread_id,
        user_id=message.user_id,
        user_name=message.user_name,
        chat_type=message.chat_type,
        language=message.language,
        text=text,
        tokens=count_tokens(text),
        key=key_of(message, key) if key else None,
    )


async def check_length(text: str, request: Request) -> None:
    """Raises `TextTooLong`."""
    limit = (await get_backend(request)).settings.max_text_length
    if len(text) > limit:
        raise TextTooLong(f"at most {limit} characters, not {len(text)}", limit=limit)


def content_of(text: str, quote: QuoteIn | None, forwarded_from: str, language: str) -> str:
    """What is kept as said."""
    if not quote and not forwarded_from:
        return text
    return framed(text, Quote(quote.speaker, quote.text) if quote else None, forwarded_from, language=language)


class Speaker(Protocol):
    """Whoever a key belongs to."""

    @property
    def bot(self) -> str: ...
    @property
    def chat_id(self) -> str: ...
    @property
    def thread_id(self) -> str: ...
    @property
    def user_id(self) -> str: ...


def key_of(speaker: Speaker, key: str) -> UUID:
    return uuid5(KEYS, "\x00".join((speaker.bot, speaker.chat_id, speaker.thread_id, speaker.user_id, key)))


def _key_in_header(request: Request) -> str | None:
    header = request.headers.get("Idempotency-Key")
    if header is not None and not 0 < len(header) <= LONGEST:
        mistake = {"at": "header.Idempotency-Key", "message": f"should have 1 to {LONGEST} characters"}
        raise InvalidRequest(errors=[mistake])
    return header
