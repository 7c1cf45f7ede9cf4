"""One bot at work: it receives, has what it received handled, and sends."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramConflictError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import Message, Update

from telegram_bot.addressing import language_of
from telegram_bot.backend_client import BackendClient, BackendProblem, BotConfig, BotReport
from telegram_bot.card_editing import CardEditor
from telegram_bot.failures import explain
from telegram_bot.health import Health
from telegram_bot.lease import Lease
from telegram_bot.live import Live
from telegram_bot.outbox import Outbox
from telegram_bot.pauses import growing_pauses
from telegram_bot.polling import Poller
from telegram_bot.progress import Reports
from telegram_bot.replies import Replies, Turns
from telegram_bot.sending import Sender
from telegram_bot.updates import Updates
from telegram_bot.webhooks import NotReached, Webhooks
from telegram_bot.words import words_for

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 60.0
# So many failures in a row are more than a hiccup; those that last are told at once.
PATIENCE = 3
LASTING = (TelegramConflictError, TelegramUnauthorizedError)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all bots of the process have in common; `introduce` tells Telegram what a bot can do."""

    relay_id: str
    lease: Lease
    backend: BackendClient
    session: BaseSession
    dispatcher: Dispatcher
    webhooks: Webhooks | None
    introduce: Callable[[Bot], Awaitable[None]]


class RunningBot:
    """`catch_up` puts what is pending into the outbox; `lost` is called when another process has the bot."""

    def __init__(
        self,
        config: BotConfig,
        token: str,
        shared: Shared,
        catch_up: Callable[[], Awaitable[None]],
        lost: Callable[[], None],
    ) -> None:
        self.config = config
        self.token = token
        self._shared = shared
        self._catch_up = catch_up
        self._health = Health(config.slug)
        self._bot = Bot(token, shared.session)
        sender = Sender(self._bot)
        reports = Reports(shared.backend, shared.relay_id, shared.lease)
        self._live = Live(sender, reports.show)
        self.outbox = Outbox(reports, sender, self._live, lost)
        self.cards = CardEditor(reports, sender, self._live, lost)
        self._turns = Turns(shared.backend, self._live, self.outbox)
        self._updates = Updates(self._handle, self._give_up)
        self._poller = Poller(self._bot, self._updates)
        self._task = asyncio.create_task(self._run())  # noqa: TID251  stop() and drop() end it

    @property
    def report(self) -> BotReport:
        return self._health.report()

    async def stop(self, seconds: float) -> None:
        """Ends in good order: what was received is stored and confirmed, what is on its way arrives."""
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._updates.finish(seconds)
        if self._shared.webhooks:
            self._shared.webhooks.leave(self._bot)
        else:
            await self._poller.confirm()
        await self.outbox.finish(seconds)
        self.cards.drop()
        self._turns.drop()
        self._live.drop()

    async def drop(self) -> None:
        """Ends at once: another process may have the bot by now."""
        self._task.cancel()
        self.outbox.drop()
        self.cards.drop()
        self._turns.drop()
        self._live.drop()
        if self._shared.webhooks:
            self._shared.webhooks.leave(self._bot)
        await self._updates.finish(0)
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        pauses, failures, introduced = growing_pauses(LONGEST_PAUSE_SECONDS), 0, False
        while True:
            try:
                if not introduced:
                    await self._introduce()
                    introduced = True
                await self._receive()
                if failures or self._health.state != "running":
                    pauses, failures = growing_pauses(LONGEST_PAUSE_SECONDS), 0
                    self._health.well()
            except NotReached as trouble:
                log.error("bot %s: %s", self.config.slug, trouble)
                self._health.ill(str(trouble))
            except (AiogramError, BackendProblem) as error:
                failures += 1
                pause = error.retry_after if isinstance(error, TelegramRetryAfter) else next(pauses)
                why = explain(error) if isinstance(error, AiogramError) else f"the backend: {error}"
                log.error("bot %s: %s; trying again in %.0f s", self.config.slug, why, pause)
                if failures >= PATIENCE or not introduced or isinstance(error, LASTING):
                    self._health.ill(why)
                await asyncio.sleep(pause)

    async def _introduce(self) -> None:
        self._health.username = (await self._bot.me()).username or ""
        await self._catch_up()
        if self._shared.webhooks:
            await self._shared.webhooks.receive(self._bot, self._updates)
        else:
            await self._bot.delete_webhook()
        try:
            await self._shared.introduce(self._bot)
        except TelegramAPIError as error:
            log.warning("bot %s: the menu of commands was not set: %s", self.config.slug, error.message)
        self._health.well()
        log.info("bot %s: listening as @%s", self.config.slug, self._health.username)

    async def _receive(self) -> None:
        if self._shared.webhooks:
            await self._shared.webhooks.watch(self._bot)
        else:
            await self._poller.receive()

    async def _handle(self, update: Update, album: Sequence[Message]) -> None:
        replies = self._replies(update)
        await self._shared.dispatcher.feed_update(self._bot, update, config=self.config, replies=replies, album=album)

    async def _give_up(self, update: Update, problem: BackendProblem) -> None:
        """What nobody expected is told all the same."""
        log.error("bot %s: update %d: the backend: %s", self.config.slug, update.update_id, problem)
        if message := update.message:
            words = words_for(language_of(message))
            await self._replies(update).say(message, words.problem(problem.type, problem.status, problem.members))

    def _replies(self, update: Update) -> Replies:
        return Replies(self.config, update.update_id, self._shared.backend, self._turns, self.outbox)
