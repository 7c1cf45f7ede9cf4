"""Which updates are being handled, and up to where Telegram may forget them.

An update is handled when the backend has stored what follows from it. Telegram forgets every update below the offset
it is asked for, so the offset stays at the oldest update that is not handled yet. A relay that is killed gets such
updates again when it is back, and the backend knows them by their keys.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from aiogram.types import Message, Update

from telegram_bot.addressing import speaker_id, topic_id
from telegram_bot.backend_client import BackendProblem
from telegram_bot.failures import where
from telegram_bot.pauses import growing_pauses

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 5.0
# A backend that fails without saying why may fail because of the update: it must not be tried for ever.
MOST_FAILURES = 10
INTERNAL_ERROR = 500
# Telegram sends the messages of an album one by one, and does not say which is the last.
ALBUM_SECONDS = 0.7

Place = tuple[int, int | None, int | None]
Handle = Callable[[Update, Sequence[Message]], Awaitable[object]]
GiveUp = Callable[[Update, BackendProblem], Awaitable[object]]


@dataclass(slots=True)
class Album:
    """Messages sent as one; `complete` until another one comes."""

    messages: list[Message] = field(default_factory=list)
    grown: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(self) -> None:
        """Returns when no more of it has come for a while."""
        while True:
            self.grown.clear()
            try:
                async with asyncio.timeout(ALBUM_SECONDS):
                    await self.grown.wait()
            except TimeoutError:
                return


class Updates:
    """Runs the handlers: those of one conversation in order, conversations in parallel."""

    def __init__(self, handle: Handle, give_up: GiveUp) -> None:
        self._handle = handle
        self._give_up = give_up
        self._offset = 0
        self._unconfirmed: dict[int, asyncio.Future[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._latest: dict[Place, asyncio.Task[None]] = {}
        self._albums: dict[str, tuple[Album, asyncio.Task[None]]] = {}

    @property
    def running(self) -> Collection[asyncio.Task[None]]:
        return self._running

    def begin(self, update: Update) -> asyncio.Future[None]:
        """Hands an update to its handler, once; the earlier ones of its conversation go first."""
        if known := self._unconfirmed.get(update.update_id):
            return known
        message = update.message
        album_id = message.media_group_id if message else None
        if message and album_id in self._albums:
            album, task = self._albums[album_id]
            album.messages.append(message)
            album.grown.set()
        else:
            album = Album([message] if message else [])
            task = self._start(update, album, album_id)
        self._unconfirmed[update.update_id] = task
        return task

    def skip(self, update_id: int) -> None:
        """Counts an update as handled."""
        nothing = asyncio.get_running_loop().create_future()
        nothing.set_result(None)
        self._unconfirmed[update_id] = nothing

    def forget(self, update_id: int) -> None:
        """Whoever sent the update knows by itself whether it was handled."""
        self._unconfirmed.pop(update_id, None)

    def offset(self) -> int:
        """The oldest update that Telegram must keep; a handler that was cancelled did not handle."""
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
            log.warning("%d updates are not stored yet: they will come again", len(late))
            await asyncio.wait(late)

    def _start(self, update: Update, album: Album, album_id: str | None) -> asyncio.Task[None]:
        place = _place(update)
        earlier = self._latest.get(place) if place else None
        task = asyncio.create_task(  # noqa: TID251  finish() waits for it
            self._run(update, album, album_id, earlier)
        )
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        if place:
            self._latest[place] = task
            task.add_done_callback(lambda done: self._leave(place, done))
        if album_id:
            self._albums[album_id] = album, task
        return task

    def _leave(self, place: Place, task: asyncio.Task[None]) -> None:
        if self._latest.get(place) is task:
            del self._latest[place]

    async def _run(
        self, update: Update, album: Album, album_id: str | None, earlier: asyncio.Task[None] | None
    ) -> None:
        if album_id:
            try:
                await album.complete()
            finally:
                del self._albums[album_id]
        if earlier:
            await asyncio.wait([earlier])
        pauses, failures = growing_pauses(LONGEST_PAUSE_SECONDS, first=0.2), 0
        while problem := await self._problem(self._handle(update, album.messages)):
            failures += problem.status == INTERNAL_ERROR
            if failures >= MOST_FAILURES or not problem.passing:
                await self._problem(self._give_up(update, problem))
                return
            log.warning("update %d: the backend: %s; trying again", update.update_id, problem)
            await asyncio.sleep(next(pauses))

    async def _problem(self, handling: Awaitable[object]) -> BackendProblem | None:
        """Why the backend did not take it; None if it did, or if trying again would not help."""
        try:
            await handling
        except BackendProblem as problem:
            return problem
        except Exception as error:  # noqa: BLE001  one broken update must not stop the others
            log.error("%s\n%s", type(error).__name__, where(error))
        return None


def _place(update: Update) -> Place | None:
    """What has to stay in order: a person's messages in one topic; a button that stops something must not wait."""
    message = update.message or update.edited_message
    return (message.chat.id, topic_id(message), speaker_id(message)) if message else None
