"""One message to Telegram: in the best form it takes, or the reason why it never will."""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiogram import Bot
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
)
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardMarkup,
    InputRichMessage,
    Message,
    MessageEntity,
    ReplyParameters,
)

from telegram_bot.formatting import Enclosed, Entity, Part, Piece
from telegram_bot.rendering import Markup

log = logging.getLogger(__name__)

# What Telegram says when nothing will ever arrive there, and the reason as the delivery keeps it.
LASTING = {
    "bot was blocked": "blocked",
    "user is deactivated": "deactivated",
    "bot was kicked": "removed",
    "bot is not a member": "removed",
    "group chat was deleted": "removed",
    "the group chat was deactivated": "removed",
    "can't initiate conversation": "never-started",
    "chat not found": "chat-not-found",
    "have no rights": "not-permitted",
    "not enough rights": "not-permitted",
    "chat_write_forbidden": "not-permitted",
    "topic_closed": "topic-closed",
    "message thread not found": "topic-closed",
}

# https://core.telegram.org/bots/api#sending-files
PICTURES = {"image/jpeg", "image/png", "image/webp"}
LARGEST_PICTURE, LARGEST_FILE = 10 << 20, 50 << 20


class Undeliverable(Exception):
    """It will never arrive; `reason` is a word for why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotNow(Exception):
    """It may be tried again: after `seconds`, if Telegram said so; `perhaps_arrived` if nobody knows."""

    def __init__(self, why: str, seconds: float | None = None, perhaps_arrived: bool = False) -> None:
        super().__init__(why)
        self.seconds = seconds
        self.perhaps_arrived = perhaps_arrived


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a message goes: a chat, its topic, the message it replies to."""

    chat_id: int
    thread_id: int | None = None
    reply_to: int | None = None

    @property
    def private(self) -> bool:
        return self.chat_id > 0


class Sender:
    """Sends and edits in the name of one bot; learns what its server does not know."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._rich_known = True
        self._moved: dict[int, int] = {}

    async def send(self, spot: Spot, piece: Piece, markup: Markup | None = None) -> int:
        """The new message's id. Raises Undeliverable or NotNow."""
        if isinstance(piece, Enclosed):
            return await self._send_file(spot, piece)
        for form in self._forms(spot, piece):
            send = self._bot.send_rich_message if "rich_message" in form else self._bot.send_message
            if message_id := await self._sent(send, spot, {**form, "reply_markup": markup}):
                return message_id
        raise Undeliverable("refused")

    async def _send_file(self, spot: Spot, file: Enclosed) -> int:
        """A picture that Telegram does not take as one comes as a document."""
        if len(file.content) > LARGEST_FILE:
            raise Undeliverable("too-large")
        picture = file.media_type in PICTURES and len(file.content) <= LARGEST_PICTURE
        for kind, send in (("photo", self._bot.send_photo), ("document", self._bot.send_document)):
            form = {kind: BufferedInputFile(file.content, file.name)}
            if (picture or kind == "document") and (message_id := await self._sent(send, spot, form)):
                return message_id
        raise Undeliverable("refused")

    async def _sent(self, send: Callable[..., Awaitable[Message]], spot: Spot, form: Mapping[str, Any]) -> int | None:
        """The new message's id; None if another form may be taken. Raises Undeliverable or NotNow."""
        chat_id = self._moved.get(spot.chat_id, spot.chat_id)
        replying = None
        if spot.reply_to and chat_id == spot.chat_id:  # messages have other ids in a supergroup
            replying = ReplyParameters(message_id=spot.reply_to, allow_sending_without_reply=True)
        try:
            message = await send(chat_id, **form, message_thread_id=spot.thread_id, reply_parameters=replying)
        except TelegramMigrateToChat as moved:
            self._moved[spot.chat_id] = moved.migrate_to_chat_id
            raise NotNow("the group became a supergroup", seconds=0) from moved
        except ClientDecodeError as error:
            return _message_id(error)
        except TelegramAPIError as error:
            self._judge(error, form)
            return None
        return message.message_id

    async def edit(self, spot: Spot, message_id: int, part: Part, markup: InlineKeyboardMarkup | None = None) -> bool:
        """Whether the message now reads so; False if it cannot be edited. Raises NotNow."""
        for form in self._forms(spot, part):
            try:
                await self._bot.edit_message_text(
                    chat_id=spot.chat_id, message_id=message_id, **form, reply_markup=markup
                )
            except ClientDecodeError:
                return True
            except TelegramMigrateToChat:  # messages have other ids in a supergroup
                return False
            except TelegramAPIError as error:
                if "message is not modified" in error.message:
                    return True
                try:
                    self._judge(error, form)
                except Undeliverable:
                    return False
            else:
                return True
        return False

    async def draft(self, spot: Spot, draft_id: int, part: Part) -> bool:
        """Show, in a private chat, what is being written; whether the server can. Raises Undeliverable or NotNow."""
        for form in self._forms(spot, part):
            show = self._bot.send_rich_message_draft if "rich_message" in form else self._bot.send_message_draft
            try:
                await show(
                    spot.chat_id,
                    draft_id,
                    **form,
                    message_thread_id=spot.thread_id,
                    can_stop=True,
                    keep_on_stop=True,
                )
            except TelegramNotFound:
                continue
            except TelegramAPIError as error:
                self._judge(error, form)
            else:
                return True
        return False

    async def delete(self, spot: Spot, message_id: int) -> None:
        """A message is gone, if Telegram lets the bot do that."""
        with suppress(AiogramError):
            await self._bot.delete_message(spot.chat_id, message_id)

    async def type(self, spot: Spot) -> None:
        """The chat shows for 5 s that the bot is typing: a mere sign, and no harm if it fails."""
        with suppress(AiogramError):
            await self._bot.send_chat_action(spot.chat_id, "typing", message_thread_id=spot.thread_id)

    def _forms(self, spot: Spot, part: Part) -> Iterator[Mapping[str, Any]]:
        """The ways to say it, best first; the last is plain text."""
        if part.rich and spot.private and self._rich_known:
            yield {"rich_message": InputRichMessage.model_validate({"blocks": list(part.rich)})}
        if part.entities:
            yield {"text": part.text, "entities": [_entity(entity) for entity in part.entities], "parse_mode": None}
        yield {"text": part.text, "parse_mode": None}

    def _judge(self, error: TelegramAPIError, form: Mapping[str, Any]) -> None:
        """Returns if another form may be taken."""
        said = error.message.lower()
        lasting = next((reason for words, reason in LASTING.items() if words in said), None)
        match error:
            case TelegramRetryAfter():
                raise NotNow("Telegram wants us to wait", seconds=error.retry_after) from error
            case TelegramNetworkError():
                raise NotNow(error.message, perhaps_arrived=not _never_left(error)) from error
            case TelegramForbiddenError():
                raise Undeliverable(lasting or "forbidden") from error
            case TelegramBadRequest() if lasting:
                raise Undeliverable(lasting) from error
            case TelegramNotFound() if "rich_message" in form:
                self._rich_known = False
            case TelegramBadRequest() | TelegramEntityTooLarge():
                log.warning("Telegram does not take a message in the form %s: %s", sorted(form), error.message)
            case _:
                raise NotNow(error.message) from error


def _never_left(error: TelegramNetworkError) -> bool:
    """Whether not even a connection came about."""
    return "ClientConnector" in error.message


def _message_id(error: ClientDecodeError) -> int:
    """Telegram took the message, and tells of it in a form that this version of the library cannot read."""
    data = error.data if isinstance(error.data, dict) else {}
    result = data.get("result")
    if not data.get("ok") or not isinstance(result, dict):
        raise NotNow("Telegram gives no readable answer", perhaps_arrived=True) from error
    return int(result["message_id"])


def _entity(entity: Entity) -> MessageEntity:
    return MessageEntity(
        type=entity.type, offset=entity.offset, length=entity.length, url=entity.url, language=entity.language
    )
