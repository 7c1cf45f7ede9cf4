"""The sign that the bot is at work, while a file is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiogram.exceptions import AiogramError
from aiogram.types import Message

from telegram_bot.addressing import topic_id

# Telegram shows the sign for 5 s: https://core.telegram.org/bots/api#sendchataction
RENEWAL_SECONDS = 4.0


@asynccontextmanager
async def typing(message: Message) -> AsyncIterator[None]:
    """The chat shows that the bot is typing, until the block ends."""
    renewing = asyncio.create_task(_keep_typing(message))  # noqa: TID251  ends with the block
    try:
        yield
    finally:
        renewing.cancel()


async def _keep_typing(message: Message) -> None:
    while True:
        with suppress(AiogramError):  # a mere sign
            assert message.bot
            await message.bot.send_chat_action(message.chat.id, "typing", message_thread_id=topic_id(message))
        await asyncio.sleep(RENEWAL_SECONDS)
