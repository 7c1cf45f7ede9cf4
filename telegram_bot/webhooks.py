"""Receives updates that Telegram sends: one server for all bots of the process."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aiogram import Bot
from aiogram.types import Update
from aiohttp import web
from pydantic import ValidationError

from telegram_bot.polling import UPDATE_TYPES
from telegram_bot.updates import Updates

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
LARGEST_BODY = 1 << 20
# Telegram sends an update again if it waits for an answer for a minute.
STORING_SECONDS = 50.0
# So often Telegram is asked whether it reaches us.
LOOK_SECONDS = 60.0


def secret_of(secret_key: str, telegram_id: str) -> str:
    """What Telegram shows with each update of a bot, so that nobody else can send any."""
    return hmac.new(secret_key.encode(), f"webhook:{telegram_id}".encode(), hashlib.sha256).hexdigest()


class NotReached(Exception):
    """Telegram could not send something since it was last asked, or still cannot send what waits: its own words."""


@dataclass(slots=True)
class Receiver:
    """A bot whose updates are received here; `error_at` is when Telegram last failed to send one, as far as we know."""

    bot: Bot
    updates: Updates
    error_at: datetime | None = None
    reached: bool = True


class Webhooks:
    """`url` is where Telegram reaches this server from outside; `secret_key` derives what it has to show."""

    def __init__(self, url: str, secret_key: str) -> None:
        self._url = url
        self._secret_key = secret_key
        self._receiving: dict[str, Receiver] = {}

    @asynccontextmanager
    async def served(self, host: str, port: int) -> AsyncIterator[int]:
        """Listens for the length of the block; the port."""
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_post("/{telegram_id}", self._receive)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    async def receive(self, bot: Bot, updates: Updates) -> None:
        """Telegram sends this bot's updates here from now on. Raises AiogramError if it does not want to."""
        telegram_id = str(bot.id)
        receiver = self._receiving[telegram_id] = Receiver(bot, updates)
        await bot.set_webhook(
            f"{self._url}/{telegram_id}",
            allowed_updates=UPDATE_TYPES,
            secret_token=secret_of(self._secret_key, telegram_id),
        )
        receiver.error_at = (await bot.get_webhook_info()).last_error_date

    async def watch(self, bot: Bot) -> None:
        """Ask Telegram, after a while, whether it reaches us. Raises NotReached or AiogramError."""
        await asyncio.sleep(LOOK_SECONDS)
        receiver, info = self._receiving[str(bot.id)], await bot.get_webhook_info()
        failed = info.last_error_date is not None and info.last_error_date != receiver.error_at
        receiver.reached = not failed and (receiver.reached or not info.pending_update_count)
        receiver.error_at = info.last_error_date
        if not receiver.reached:
            raise NotReached(f"Telegram does not reach TELEGRAM_WEBHOOK_URL: {info.last_error_message}")

    def leave(self, bot: Bot) -> None:
        """Telegram keeps what comes from now on, for whoever receives next."""
        self._receiving.pop(str(bot.id), None)

    async def _receive(self, request: web.Request) -> web.Response:
        """200 when the update is stored; after anything else, Telegram sends it again."""
        telegram_id = request.match_info["telegram_id"]
        shown = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(shown.encode(), secret_of(self._secret_key, telegram_id).encode()):
            return web.Response(status=403)
        if telegram_id not in self._receiving:
            return web.Response(status=503)
        receiver = self._receiving[telegram_id]
        try:
            update = Update.model_validate_json(await request.read(), context={"bot": receiver.bot})
        except ValidationError:
            log.error("bot %s: an update of an unknown form is skipped", telegram_id)
            return web.Response()
        handled = receiver.updates.begin(update)
        done, _ = await asyncio.wait([handled], timeout=STORING_SECONDS)
        receiver.updates.forget(update.update_id)
        return web.Response(status=503 if not done or handled.cancelled() else 200)
