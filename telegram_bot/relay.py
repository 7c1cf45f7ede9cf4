"""Runs the bots that the backend lends to this process, until it is told to stop."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

from aiogram import Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import Response
from aiogram.types import Message, Update
from aiogram.utils.token import TokenValidationError, validate_token

from telegram_bot.backend_client import BackendProblem, BotConfig, BotReport, ChangedCard, Delivery, open_backend
from telegram_bot.feeds import Feed
from telegram_bot.handlers import make_router, show_commands
from telegram_bot.identity import identity
from telegram_bot.lease import Lease
from telegram_bot.running_bot import RunningBot, Shared
from telegram_bot.sealing import CannotOpen, open_sealed
from telegram_bot.settings import Settings
from telegram_bot.webhooks import Webhooks

log = logging.getLogger(__name__)

TELEGRAM_TIMEOUT_SECONDS = 30
BEAT_SECONDS = 2.0
# A beat that takes longer is given up, so that the next one comes before the lease is over.
BEAT_TIMEOUT_SECONDS = 3.0
# With what follows, less than the 10 s after which Docker kills a container that was asked to stop.
FINISH_SECONDS = 3.0
LEAVE_SECONDS = 1.0
# The library names the model of each answer when it comes. Unless somebody holds that model, pydantic builds it anew
# for every call, which was a third of all that this process did.
HELD = Response[list[Update]], Response[Message], Response[Message | bool], Response[bool]


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Runs bots until `stop` is set."""
    async with AsyncExitStack() as opened:
        relay_id = opened.enter_context(identity(settings.backend_url))
        backend = await opened.enter_async_context(open_backend(settings.backend_url, settings.api_key))
        server = TelegramAPIServer.from_base(settings.telegram_api_url)
        # Without a limit of connections: every bot holds one to receive, and sends to many chats at once.
        session = await opened.enter_async_context(
            AiohttpSession(api=server, timeout=TELEGRAM_TIMEOUT_SECONDS, limit=0)
        )
        dispatcher = Dispatcher(disable_fsm=True, backend=backend)
        dispatcher.include_router(make_router())
        webhooks = await _webhooks(settings, opened)
        shared = Shared(relay_id, Lease(), backend, session, dispatcher, webhooks, show_commands)
        await Relay(shared, settings.secret_keys).work(stop)


async def _webhooks(settings: Settings, opened: AsyncExitStack) -> Webhooks | None:
    if not settings.telegram_webhook_url or not settings.secret_keys:
        return None
    webhooks = Webhooks(settings.telegram_webhook_url, settings.secret_keys[0])
    served = webhooks.served(settings.telegram_webhook_host, settings.telegram_webhook_port)
    await opened.enter_async_context(served)
    return webhooks


class Relay:
    """Keeps what runs here in step with what the backend answers to each beat."""

    def __init__(self, shared: Shared, secret_keys: Sequence[str]) -> None:
        self._shared = shared
        self._lease = shared.lease
        self._secret_keys = secret_keys
        backend, relay_id = shared.backend, shared.relay_id
        self._deliveries = Feed(partial(backend.deliveries, relay_id), lambda each: each.id, self._lease, self._put)
        self._cards = Feed(partial(backend.runs.changed, relay_id), lambda each: each.changed, self._lease, self._edit)
        self._running: dict[str, RunningBot] = {}
        self._broken: dict[str, tuple[BotConfig, str]] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._stopped: set[str] = set()
        self._watch: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    async def work(self, stop: asyncio.Event) -> None:
        """Beats until `stop` is set; then everything ends in good order."""
        async with asyncio.TaskGroup() as group:
            work = self._beat_on(), self._deliveries.fetch(), self._cards.fetch()
            tasks = [group.create_task(each) for each in work]
            await stop.wait()
            for task in tasks:
                task.cancel()
        if self._watch:
            self._watch.cancel()
        for slug, bot in list(self._running.items()):
            self._end(slug, bot.stop(FINISH_SECONDS))
        if self._ending:
            await asyncio.wait(self._ending.values())
        with suppress(BackendProblem):
            await self._shared.backend.leave(self._shared.relay_id, LEAVE_SECONDS)

    async def _beat_on(self) -> None:
        told = ""
        while True:
            began = time.monotonic()
            try:
                await self._beat(began)
                told = ""
            except BackendProblem as problem:
                if told != str(problem):
                    told = str(problem)
                    log.warning("the backend: %s; trying again every %.0f s", problem, BEAT_SECONDS)
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(began + BEAT_SECONDS - time.monotonic(), 0)):
                    await self._changed.wait()

    async def _beat(self, began: float) -> None:
        reports = self._reports()
        beat = await self._shared.backend.beat(self._shared.relay_id, reports, BEAT_TIMEOUT_SECONDS)
        self._lease.extend(began, beat.lease_seconds)
        self._stopped -= {report.slug for report in reports}
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._drop_when_over())  # noqa: TID251  work() ends it
        self._keep_in_step({config.slug: config for config in beat.bots})

    def _reports(self) -> list[BotReport]:
        running = [bot.report for bot in self._running.values()]
        broken = [BotReport(slug, "failed", why) for slug, (_, why) in self._broken.items()]
        return running + broken + [BotReport(slug, "stopped") for slug in self._stopped]

    def _keep_in_step(self, wanted: dict[str, BotConfig]) -> None:
        for slug in self._broken.keys() - wanted.keys():
            del self._broken[slug]
            self._stopped.add(slug)
        for slug in self._running.keys() - wanted.keys():
            self._end(slug, self._running[slug].stop(FINISH_SECONDS))
        for slug, config in wanted.items():
            if slug not in self._ending:
                self._stopped.discard(slug)
                self._keep(config)

    def _keep(self, config: BotConfig) -> None:
        """A bot runs with this configuration; with another token, it is begun anew at the next beat."""
        slug, bot = config.slug, self._running.get(config.slug)
        if bot and bot.config.sealed_token == config.sealed_token:
            bot.config = config
            return
        if slug in self._broken and self._broken[slug][0].sealed_token == config.sealed_token:
            return
        try:
            token = self._open(config)
        except CannotOpen as error:
            log.error("bot %s: %s", slug, error)
            token, self._broken[slug] = "", (config, str(error))
        if bot and bot.token == token:
            bot.config = config
        elif bot:
            self._end(slug, bot.stop(FINISH_SECONDS))
        elif token:
            self._broken.pop(slug, None)
            lost = partial(self._lose, slug)
            self._running[slug] = RunningBot(config, token, self._shared, self._deliveries.catch_up, lost)

    def _open(self, config: BotConfig) -> str:
        token = open_sealed(config.sealed_token, self._secret_keys)
        try:
            validate_token(token)
        except TokenValidationError:
            raise CannotOpen("this is not a token as @BotFather gives them") from None
        return token

    def _end(self, slug: str, ending: Coroutine[None, None, None], tell: bool = True) -> None:
        del self._running[slug]
        self._ending[slug] = asyncio.create_task(self._ended(slug, ending, tell))  # noqa: TID251  work() waits for it

    async def _ended(self, slug: str, ending: Coroutine[None, None, None], tell: bool) -> None:
        try:
            await ending
        finally:
            del self._ending[slug]
            if tell:
                self._stopped.add(slug)
            self._changed.set()

    def _lose(self, slug: str) -> None:
        if bot := self._running.get(slug):
            self._end(slug, bot.drop(), tell=False)

    async def _drop_when_over(self) -> None:
        await self._lease.over()
        if self._running:
            log.warning("no beat has succeeded for too long: all bots are stopped until one does")
        for slug in list(self._running):
            self._lose(slug)

    def _put(self, delivery: Delivery) -> None:
        if bot := self._running.get(delivery.bot):
            bot.outbox.put(delivery)

    def _edit(self, card: ChangedCard) -> None:
        if bot := self._running.get(card.bot):
            bot.cards.put(card)
