"""Receives updates that Telegram sends: one server for all bots of the process."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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


def secret_of(secret_key: str, telegram_id: str) -> str:
    """What Telegram shows with each update of a bot, so that nobody else can send any."""
    return hmac.new(secret_key.encode(), f"webhook:{telegram_id}".encode(), hashlib.sha256).hexdigest()


class Webhooks:
    """`url` is where Telegram reaches this server from outside; `secret_key` derives what it has to show."""

    def __init__(self, url: str, secret_key: str) -> None:
        self._url = url
        self._secret_key = secret_key
        self._receiving: dict[str, tuple[Bot, Updates]] = {}

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
        self._receiving[telegram_id] = bot, updates
        await bot.set_webhook(
            f"{self._url}/{telegram_id}",
            allowed_updates=UPDATE_TYPES,
            secret_token=secret_of(self._secret_key, telegram_id),
        )

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
        bot, updates = self._receiving[telegram_id]
        try:
            update = Update.model_validate_json(await request.read(), context={"bot": bot})
        except ValidationError:
            log.error("bot %s: an update of an unknown form is skipped", telegram_id)
            return web.Response()
        handled = updates.begin(update)
        done, _ = await asyncio.wait([handled], timeout=STORING_SECONDS)
        updates.forget(update.update_id)
        return web.Response(status=503 if not done or handled.cancelled() else 200)
