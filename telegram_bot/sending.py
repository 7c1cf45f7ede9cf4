"""What goes out to Telegram: messages that arrive, and the sign that somebody is typing."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiogram.exceptions import (
    AiogramError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import SendMessage
from aiogram.types import Message, ReplyKeyboardMarkup

from telegram_bot.addressing import in_private, topic_id
from telegram_bot.splitting import split

log = logging.getLogger(__name__)

PAUSES = (1.0, 2.0, 4.0, 8.0)
# Telegram shows the sign for 5 s: https://core.telegram.org/bots/api#sendchataction
TYPING_RENEWAL_SECONDS = 4.0


async def say(message: Message, text: str, keyboard: ReplyKeyboardMarkup | None = None) -> None:
    """Answer a message with plain text of any length; in groups the first piece quotes it."""
    quoted = None if in_private(message) else message.as_reply_parameters(allow_sending_without_reply=True)
    pieces = split(text)
    for number, piece in enumerate(pieces, start=1):
        await deliver(
            message.answer(
                piece,
                reply_parameters=quoted if number == 1 else None,
                reply_markup=keyboard if number == len(pieces) else None,
            )
        )


async def deliver(sending: SendMessage) -> None:
    """Send; when Telegram is busy or out of reach, again.

    A cut connection leaves open whether the message arrived: twice is better than never.
    """
    pauses = iter(PAUSES)
    while True:
        try:
            await sending
        except TelegramRetryAfter as flood:
            pause: float = flood.retry_after
        except (TelegramServerError, TelegramNetworkError):
            if (pause := next(pauses, -1)) < 0:
                raise
        else:
            return
        log.warning("a message was not sent; trying again in %.0f s", pause)
        await asyncio.sleep(pause)


@asynccontextmanager
async def typing(message: Message, renewal_seconds: float = TYPING_RENEWAL_SECONDS) -> AsyncIterator[None]:
    """The chat shows that the bot is typing, until the block ends."""
    renewing = asyncio.create_task(  # noqa: TID251  ends with the block
        _keep_typing(message, renewal_seconds)
    )
    try:
        yield
    finally:
        renewing.cancel()


async def _keep_typing(message: Message, renewal_seconds: float) -> None:
    while True:
        with suppress(AiogramError):  # a mere sign: the answer itself will tell what is wrong
            assert message.bot
            await message.bot.send_chat_action(message.chat.id, "typing", message_thread_id=topic_id(message))
        await asyncio.sleep(renewal_seconds)
