"""Fetches what the backend has for this process, whoever wrote it: deliveries, and cards that have changed."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from telegram_bot.backend_client import BackendProblem
from telegram_bot.lease import Lease
from telegram_bot.pauses import growing_pauses

log = logging.getLogger(__name__)

T = TypeVar("T")

WAIT_SECONDS = 5
# Places are given before they are committed: what was not there yet when a greater one came is found by looking again.
LOOK_AGAIN_SECONDS = 5.0
# Most deliveries come with their stream, at once; those that come here may come together.
GATHER_SECONDS = 0.2
PAGE = 100
LONGEST_PAUSE_SECONDS = 10.0


class Feed(Generic[T]):
    """`put` takes each one that waits, perhaps repeatedly."""

    def __init__(
        self,
        ask: Callable[[int, int], Awaitable[Sequence[T]]],
        place: Callable[[T], int],
        lease: Lease,
        put: Callable[[T], None],
    ) -> None:
        """`ask` gets those after a place, in order, and waits so many seconds for the first."""
        self._ask = ask
        self._place = place
        self._lease = lease
        self._put = put
        self._latest = 0
        self._looked_at = 0.0

    async def catch_up(self) -> None:
        """Fetches all that waits now. Raises BackendProblem."""
        self._looked_at = time.monotonic()
        found, after = PAGE, 0
        while found >= PAGE:
            items = await self._ask(after, 0)
            found, after = len(items), max(map(self._place, items), default=0)
            self._take(items)

    async def fetch(self) -> None:
        """Fetches until cancelled."""
        pauses = growing_pauses(LONGEST_PAUSE_SECONDS, first=0.5)
        while True:
            try:
                if time.monotonic() - self._looked_at >= LOOK_AGAIN_SECONDS:
                    await self.catch_up()
                self._take(await self._ask(self._latest, WAIT_SECONDS))
                pauses = growing_pauses(LONGEST_PAUSE_SECONDS, first=0.5)
                await asyncio.sleep(GATHER_SECONDS)
            except BackendProblem as problem:
                log.warning("what is to be handed out cannot be fetched: %s", problem)
                await asyncio.sleep(next(pauses))

    def _take(self, items: Sequence[T]) -> None:
        for item in items:
            self._latest = max(self._latest, self._place(item))
            if self._lease.held:
                self._put(item)
