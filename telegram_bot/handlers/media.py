"""What people send beside text, in words: heard, seen, read, or merely named."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from aiogram import Bot
from aiogram.enums import ContentType
from aiogram.exceptions import AiogramError, TelegramNetworkError, TelegramRetryAfter, TelegramServerError
from aiogram.types import Message

from telegram_bot.addressing import conversation_of, language_of, quote_of, quoted, speaker_name
from telegram_bot.backend_client import (
    Attachment,
    BackendClient,
    BackendProblem,
    BotConfig,
    DocumentState,
    Quote,
    SentDocument,
    Upload,
)
from telegram_bot.handlers.contents import NAMED, File, file_of
from telegram_bot.handlers.telling import words_of
from telegram_bot.handlers.typing import typing
from telegram_bot.plain import escaped

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

# Of what a person writes beside a file, a model is shown no more than a caption may have.
LONGEST_CAPTION = 1024

TOO_LARGE = {"/problems/body-too-large", "/problems/attachment-too-large"}
NOT_UNDERSTOOD = "/problems/attachment-not-understood"


class NotUnderstood(Exception):
    """What was sent cannot be put into words; `sentence` says so to the person."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


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
        self._speaker = {
            "language": language_of(message),
            "user_name": speaker_name(message),
            "chat_type": message.chat.type,
        }
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
        attachment = Attachment(file.kind, upload, question[:LONGEST_CAPTION], **self._speaker)
        text = (await self._backend.understand(self._conversation, attachment)).strip()
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
        document_id = await self._backend.add_document(self._conversation, SentDocument(upload, **self._speaker))
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
