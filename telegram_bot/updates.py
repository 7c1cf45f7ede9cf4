"""Which updates are being handled, and up to where Telegram may forget them.

Telegram forgets every update below the offset it is asked for, so the offset stays at the oldest
update whose handler is still running. A relay that is killed gets such updates again when it is
back, and the backend knows them by their keys.
"""

import asyncio
import logging
import traceback
from collections.abc import Collection

from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.types import Update

from telegram_bot.addressing import speaker_id, topic_id

log = logging.getLogger(__name__)

# As many updates as Telegram shows at once. With so many unconfirmed, nothing new would ever be seen.
FULL_HOUSE = 100

Place = tuple[int, int | None, int | None]


class Updates:
    """Runs the handlers: those of one conversation in order, conversations in parallel."""

    def __init__(self, bot: Bot, dispatcher: Dispatcher) -> None:
        self._bot = bot
        self._dispatcher = dispatcher
        self._offset = 0
        self._unconfirmed: dict[int, asyncio.Future[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._latest: dict[Place, asyncio.Task[None]] = {}

    @property
    def running(self) -> Collection[asyncio.Task[None]]:
        return self._running

    def begin(self, update: Update) -> None:
        """Hands an update to its handler, once; the earlier ones of its conversation go first."""
        if update.update_id in self._unconfirmed:
            return
        place = _place(update)
        earlier = self._latest.get(place) if place else None
        task = asyncio.create_task(  # noqa: TID251  finish() waits for it
            self._handle(update, earlier)
        )
        self._unconfirmed[update.update_id] = task
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        if place:
            self._latest[place] = task
            task.add_done_callback(lambda done: self._leave(place, done))

    def skip(self, update_id: int) -> None:
        """Counts an update as handled."""
        nothing = asyncio.get_running_loop().create_future()
        nothing.set_result(None)
        self._unconfirmed[update_id] = nothing

    def offset(self) -> int:
        """The oldest update that Telegram must keep; a handler that was cancelled did not handle."""
        if len(self._unconfirmed) >= FULL_HOUSE:
            self._offset = max(self._unconfirmed) + 1
            self._unconfirmed.clear()
        for update_id, handled in list(self._unconfirmed.items()):
            if not handled.done() or handled.cancelled():
                break
            del self._unconfirmed[update_id]
            self._offset = update_id + 1
        return self._offset

    async def finish(self, seconds: float) -> None:
        """Lets the handlers end within so many seconds, and cancels those that do not."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            log.warning("%d messages are not answered yet: they will come again", len(late))
            await asyncio.wait(late)

    def _leave(self, place: Place, task: asyncio.Task[None]) -> None:
        if self._latest.get(place) is task:
            del self._latest[place]

    async def _handle(self, update: Update, earlier: asyncio.Task[None] | None) -> None:
        if earlier:
            await asyncio.wait([earlier])
        try:
            await self._dispatcher.feed_update(self._bot, update)
        except TelegramForbiddenError:
            log.info("update %d: the bot may not write there any more", update.update_id)
        except TelegramAPIError as error:
            log.error("update %d: %s: %s", update.update_id, type(error).__name__, error.message)
        except Exception as error:  # noqa: BLE001  one broken update must not stop the others
            # Without the exception's own text: it may quote what a person wrote.
            lines = "".join(traceback.format_tb(error.__traceback__))
            log.error("update %d: %s\n%s", update.update_id, type(error).__name__, lines)


def _place(update: Update) -> Place | None:
    message = update.message
    return (message.chat.id, topic_id(message), speaker_id(message)) if message else None
