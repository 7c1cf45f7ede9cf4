"""Runs the relay until it is told to stop."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.utils.token import TokenValidationError

from telegram_bot.backend_client import BackendClient, open_backend
from telegram_bot.handlers import make_router
from telegram_bot.polling import Poller
from telegram_bot.settings import Settings
from telegram_bot.updates import Updates

log = logging.getLogger(__name__)

TELEGRAM_TIMEOUT_SECONDS = 30
# Less than the 10 s after which Docker kills a container that was asked to stop.
FINISH_SECONDS = 8.0


async def run(settings: Settings, stop: asyncio.Event, finish_seconds: float = FINISH_SECONDS) -> None:
    """Relays messages until `stop` is set; without a usable token, waits for it."""
    bot = _bot(settings)
    if bot is None:
        await stop.wait()
        return
    async with bot, open_backend(settings.backend_url, settings.api_key) as backend:
        updates = Updates(bot, _dispatcher(backend, settings))
        poller = Poller(bot, updates)
        await _until(stop, poller.poll())
        await updates.finish(finish_seconds)
        await poller.confirm()


def _bot(settings: Settings) -> Bot | None:
    token = settings.bot_token.get_secret_value()
    if not token:
        log.warning("there is no BOT_TOKEN: get one from @BotFather, set it in .env, and restart")
        return None
    server = TelegramAPIServer.from_base(settings.telegram_api_url)
    session = AiohttpSession(api=server, timeout=TELEGRAM_TIMEOUT_SECONDS)
    try:
        return Bot(token, session)
    except TokenValidationError:
        log.error("BOT_TOKEN is not a token, which looks like 123456789:AAbb…: set it in .env, and restart")
        return None


def _dispatcher(backend: BackendClient, settings: Settings) -> Dispatcher:
    dispatcher = Dispatcher(disable_fsm=True, backend=backend, allowed_user_ids=settings.allowed_user_ids)
    dispatcher.include_router(make_router())
    return dispatcher


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Runs `work`, and cancels it when `stop` is set."""
    async with asyncio.TaskGroup() as group:
        working = group.create_task(work)
        await stop.wait()
        working.cancel()
