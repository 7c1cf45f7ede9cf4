"""Receives updates from Telegram by asking for them."""

import asyncio
import logging
from contextlib import suppress

from aiogram import Bot
from aiogram.exceptions import AiogramError, ClientDecodeError
from aiogram.types import Update
from pydantic import ValidationError

from telegram_bot.updates import Updates

log = logging.getLogger(__name__)

LONG_POLL_SECONDS = 25
# Asked twice for the same offset within half a second, Telegram shows one update only:
# https://github.com/tdlib/telegram-bot-api, Client::process_get_updates_query
REPEATED_POLL_SECONDS = 0.6
UPDATE_TYPES = ["message", "edited_message", "callback_query", "my_chat_member", "stopped_message_generation"]


class Poller:
    def __init__(self, bot: Bot, updates: Updates) -> None:
        self._bot = bot
        self._updates = updates
        self._told = 0

    async def receive(self) -> None:
        """One call: a long one when nothing is being handled, else a short one, as Telegram then
        answers at once with what it must not forget yet. Raises AiogramError."""
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

    async def confirm(self) -> None:
        """Tells Telegram what was handled since the last call."""
        offset = self._updates.offset()
        if offset != self._told:
            with suppress(AiogramError):
                await self._bot.get_updates(offset, limit=1, timeout=0, request_timeout=1)

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
