"""What people send beside text, in words: heard, seen, read, or merely named."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import PurePath

from aiogram import Bot
from aiogram.enums import ContentType
from aiogram.exceptions import AiogramError, TelegramNetworkError, TelegramRetryAfter, TelegramServerError
from aiogram.types import Document, Message

from telegram_bot.addressing import conversation_of, in_private, language_of, quote_of, quoted, speaker_name
from telegram_bot.backend_client import BackendClient, BackendProblem, BotConfig, DocumentState, Quote, Upload
from telegram_bot.handlers.telling import words_of
from telegram_bot.handlers.typing import typing
from telegram_bot.plain import escaped
from telegram_bot.words import Words

# What a bot may download: https://core.telegram.org/bots/api#getfile
MOST_MEGABYTES = 20
MEGABYTE = 1 << 20
# How long a person waits for a document to be read before being told that it takes longer.
READING_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 1.0
PAUSES = (1.0, 3.0)
# However many people send files at once: so many large ones are held in memory.
LARGE = MEGABYTE
ROOM = asyncio.Semaphore(4)

READABLE = {".txt", ".md", ".markdown", ".html", ".htm", ".xhtml", ".pdf", ".docx", ".csv", ".log", ".json", ".rst"}
READABLE_TYPES = {"application/pdf", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}
NO_PICTURES = {"image/svg+xml"}

TOO_LARGE = {"/problems/body-too-large", "/problems/attachment-too-large"}
NOT_UNDERSTOOD = "/problems/attachment-not-understood"


class NotUnderstood(Exception):
    """What was sent cannot be put into words; `sentence` says so to the person."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class File:
    """Something to download: a `voice`, an `image`, or a `document`."""

    kind: str
    id: str
    size: int
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class InWords:
    """What the model is shown of a message, and what the person is told if they ask nothing about it."""

    shown: str
    told: str = ""


class Media:
    """Puts what one person sends into words."""

    def __init__(self, message: Message, bot: Bot, config: BotConfig, backend: BackendClient) -> None:
        self._bot = bot
        self._backend = backend
        self._conversation = conversation_of(message, config)
        self._private = in_private(message)
        self._language = language_of(message)
        self._words = words_of(message)

    async def in_words(self, messages: Sequence[Message], question: str) -> list[InWords]:
        """What is more than text, in order; the chat shows meanwhile that something happens.

        Raises NotUnderstood, BackendProblem.
        """
        files = [file_of(message) for message in messages]
        pictures = [place for place, file in enumerate(files) if file and file.kind == "image"]
        numbers = {place: number for number, place in enumerate(pictures, 1)} if len(pictures) > 1 else {}
        async with typing(messages[0]) if any(files) else nullcontext():
            found = await asyncio.gather(
                *(
                    self._file(file, question, numbers.get(place)) if file else self._named(message)
                    for place, (message, file) in enumerate(zip(messages, files, strict=True))
                )
            )
        return [in_words for in_words in found if in_words]

    async def quote(self, message: Message, question: str) -> Quote | None:
        """What a message replies to, also if that is a picture or a voice: "What is this?"."""
        quote, original = quote_of(message), message.reply_to_message
        if message.quote or original is None or file_of(original) is None:
            return quote
        try:
            shown = [in_words.shown for in_words in await self.in_words([original], question)]
        except NotUnderstood:
            return quote
        return quoted(speaker_name(original), "\n".join([*shown, quote.text if quote else ""]).strip())

    async def _named(self, message: Message) -> InWords | None:
        if message.content_type in (ContentType.TEXT, ContentType.RICH_MESSAGE):
            return None
        if name := NAMED.get(message.content_type):
            if shown := name(message, self._words):
                return InWords(shown)
            raise NotUnderstood(self._words.only_words)
        raise NotUnderstood(
            self._words.file_unsupported if message.content_type == ContentType.DOCUMENT else self._words.only_words
        )

    async def _file(self, file: File, question: str, number: int | None) -> InWords:
        if file.size > MOST_MEGABYTES * MEGABYTE:
            raise NotUnderstood(self._words.file_too_large.format(megabytes=MOST_MEGABYTES))
        try:
            if file.size <= LARGE:
                return await self._understood(file, question, number)
            async with ROOM:
                return await self._understood(file, question, number)
        except BackendProblem as problem:
            raise self._friendlier(problem, file) from problem

    async def _understood(self, file: File, question: str, number: int | None) -> InWords:
        upload = Upload(await self._download(file), file.name, file.media_type)
        if file.kind == "document":
            return await self._read(upload)
        text = (await self._backend.understand(file.kind, upload, question, self._language)).strip()
        if file.kind == "image":
            form = self._words.pictures if number else self._words.picture
            return InWords(form.format(text=text, number=number))
        if not text:
            raise NotUnderstood(self._words.nothing_heard)
        return InWords(self._words.spoken.format(text=text))

    async def _download(self, file: File) -> bytes:
        pauses = iter(PAUSES)
        while True:
            try:
                found = await self._bot.get_file(file.id)
                content = await self._bot.download_file(found.file_path or "")
            except (TelegramNetworkError, TelegramServerError, TelegramRetryAfter) as error:
                if (pause := next(pauses, None)) is None:
                    raise NotUnderstood(self._words.not_fetched) from error
                await asyncio.sleep(error.retry_after if isinstance(error, TelegramRetryAfter) else pause)
            except AiogramError as error:
                raise NotUnderstood(self._words.not_fetched) from error
            else:
                return content.read() if content else b""

    async def _read(self, upload: Upload) -> InWords:
        """A document becomes part of what is remembered here: the person's in private, else the group's."""
        words, name = self._words, escaped(upload.name)
        document_id = await self._backend.add_document(self._conversation, upload, private=self._private)
        try:
            async with asyncio.timeout(READING_SECONDS):
                state = await self._once_read(document_id)
        except TimeoutError:
            raise NotUnderstood(words.still_reading.format(name=name)) from None
        if state.state == "failed":
            raise NotUnderstood(words.unread.get(state.problem, words.unread["unreadable"]).format(name=name))
        return InWords(words.file.format(name=upload.name), words.read.format(name=name))

    async def _once_read(self, document_id: str) -> DocumentState:
        while True:
            state = await self._backend.document_state(document_id)
            if state.state in ("ready", "failed"):
                return state
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def _friendlier(self, problem: BackendProblem, file: File) -> Exception:
        """What the person is told where it depends on what they sent."""
        if problem.type == NOT_UNDERSTOOD:
            return NotUnderstood(self._words.not_seen if file.kind == "image" else self._words.not_heard)
        if problem.type in TOO_LARGE and (limit := problem.members.get("limit")):
            return NotUnderstood(self._words.file_too_large.format(megabytes=max(int(limit) // MEGABYTE, 1)))
        if problem.type in TOO_LARGE:
            return NotUnderstood(self._words.problem("/problems/attachment-too-large"))
        return problem


def file_of(message: Message) -> File | None:
    """What can be downloaded and understood."""
    if voice := message.voice:
        return File("voice", voice.file_id, voice.file_size or 0, "voice.ogg", voice.mime_type or "audio/ogg")
    if audio := message.audio:
        name = audio.file_name or "audio.mp3"
        return File("voice", audio.file_id, audio.file_size or 0, name, audio.mime_type or "audio/mpeg")
    if message.photo:
        photo = message.photo[-1]  # the largest
        return File("image", photo.file_id, photo.file_size or 0, "photo.jpg", "image/jpeg")
    if message.document and not message.animation:  # which comes as a document as well
        return _document(message.document)
    return None


def _document(document: Document) -> File | None:
    name, media_type = document.file_name or "document", document.mime_type or "application/octet-stream"
    if media_type.startswith("image/") and media_type not in NO_PICTURES:
        kind = "image"
    elif media_type.startswith("audio/"):
        kind = "voice"
    elif media_type.startswith("text/") or media_type in READABLE_TYPES or PurePath(name).suffix.lower() in READABLE:
        kind = "document"
    else:
        return None
    return File(kind, document.file_id, document.file_size or 0, name, media_type)


def _sticker(message: Message, words: Words) -> str:
    emoji = message.sticker.emoji if message.sticker else None
    return words.sticker.format(emoji=emoji) if emoji else ""


def _location(message: Message, words: Words) -> str:
    place = message.location
    return words.location.format(latitude=place.latitude, longitude=place.longitude) if place else ""


def _venue(message: Message, words: Words) -> str:
    venue = message.venue
    if venue is None:
        return ""
    place = venue.location
    return words.venue.format(
        title=venue.title, address=venue.address, latitude=place.latitude, longitude=place.longitude
    )


def _contact(message: Message, words: Words) -> str:
    contact = message.contact
    if contact is None:
        return ""
    name = " ".join(filter(None, (contact.first_name, contact.last_name)))
    return words.contact.format(name=name, phone=contact.phone_number)


def _poll(message: Message, words: Words) -> str:
    poll = message.poll
    options = "\n".join(f"- {option.text}" for option in poll.options) if poll else ""
    return words.poll.format(question=poll.question, options=options) if poll else ""


def _dice(message: Message, words: Words) -> str:
    dice = message.dice
    return words.dice.format(value=dice.value, emoji=dice.emoji) if dice else ""


# What can be said without looking into it; an empty text if there are no words for this one.
NAMED: Mapping[str, Callable[[Message, Words], str]] = {
    ContentType.STICKER: _sticker,
    ContentType.VENUE: _venue,
    ContentType.LOCATION: _location,
    ContentType.CONTACT: _contact,
    ContentType.POLL: _poll,
    ContentType.DICE: _dice,
}
