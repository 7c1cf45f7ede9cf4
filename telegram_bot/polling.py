"""Receives updates from Telegram, however long it cannot be reached."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress

from aiogram import Bot
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramAPIError,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import Update
from pydantic import ValidationError

from telegram_bot.handlers import show_commands
from telegram_bot.updates import Updates

log = logging.getLogger(__name__)

LONG_POLL_SECONDS = 25
# Asked twice for the same offset within half a second, Telegram shows one update only:
# https://github.com/tdlib/telegram-bot-api, Client::process_get_updates_query
REPEATED_POLL_SECONDS = 0.6
LONGEST_PAUSE_SECONDS = 60.0
UPDATE_TYPES = ["message"]


class Poller:
    def __init__(self, bot: Bot, updates: Updates) -> None:
        self._bot = bot
        self._updates = updates
        self._told = 0

    async def poll(self) -> None:
        """Introduces the bot and receives until cancelled."""
        pauses = _growing_pauses()
        introduced = False
        while True:
            try:
                if not introduced:
                    await self._introduce()
                    introduced = True
                await self._receive()
                pauses = _growing_pauses()
            except AiogramError as error:
                pause = error.retry_after if isinstance(error, TelegramRetryAfter) else next(pauses)
                log.error("%s; trying again in %.0f s", _explain(error), pause)
                await asyncio.sleep(pause)

    async def confirm(self) -> None:
        """Tells Telegram what was handled since the last call."""
        offset = self._updates.offset()
        if offset != self._told:
            with suppress(AiogramError):
                await self._bot.get_updates(offset, limit=1, timeout=0, request_timeout=1)

    async def _introduce(self) -> None:
        me = await self._bot.me()
        await self._bot.delete_webhook()
        try:
            await show_commands(self._bot)
        except TelegramAPIError as error:
            log.warning("the menu of commands was not set: %s", error.message)
        log.info("listening as @%s", me.username)

    async def _receive(self) -> None:
        """One call: a long one when nothing is being handled, else a short one, as Telegram then
        answers at once with what it must not forget yet."""
        offset = self._told = self._updates.offset()
        timeout = 0 if self._updates.running else LONG_POLL_SECONDS
        try:
            received = await self._bot.get_updates(
                offset, timeout=timeout, allowed_updates=UPDATE_TYPES, request_timeout=timeout + 10
            )
        except ClientDecodeError as error:
            received = self._readable(error)
        for update in received:
            self._updates.begin(update)
        if self._updates.running:
            await asyncio.wait(self._updates.running, timeout=REPEATED_POLL_SECONDS)

    def _readable(self, error: ClientDecodeError) -> list[Update]:
        """The updates this version of the library understands; one that it does not must not hide
        the others for ever."""
        received = error.data.get("result") if isinstance(error.data, dict) else None
        if not received:
            raise error
        readable = []
        for raw in received:
            try:
                readable.append(Update.model_validate(raw, context={"bot": self._bot}))
            except ValidationError:
                log.error("update %s is of an unknown form and is skipped", raw["update_id"])
                self._updates.skip(raw["update_id"])
        return readable


def _growing_pauses() -> Iterator[float]:
    pause = 1.0
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _explain(error: AiogramError) -> str:
    match error:
        case TelegramUnauthorizedError() | TelegramNotFound():
            return "Telegram does not know this BOT_TOKEN: copy it again from @BotFather and restart"
        case TelegramConflictError():
            return "another program receives this bot's messages: stop one of the two"
        case TelegramNetworkError():
            return f"Telegram cannot be reached: {error.message}"
        case TelegramAPIError():
            return f"Telegram refuses: {error.message}"
        case _:
            return f"Telegram gives no readable answer: {type(error).__name__}"
