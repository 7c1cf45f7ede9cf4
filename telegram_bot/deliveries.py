"""Fetches what is to be delivered, whoever wrote it: answers after a restart, runs, notices."""

import asyncio
import logging
import time
from collections.abc import Callable

from telegram_bot.backend_client import BackendClient, BackendProblem, Delivery
from telegram_bot.lease import Lease
from telegram_bot.pauses import growing_pauses

log = logging.getLogger(__name__)

WAIT_SECONDS = 5
# Ids are given before they are committed: one that was not there yet when a greater one came is found by looking again.
LOOK_AGAIN_SECONDS = 5.0
# Most deliveries come with their stream, at once; those that come here may come together.
GATHER_SECONDS = 0.2
PAGE = 100
LONGEST_PAUSE_SECONDS = 10.0


class Deliveries:
    """`put` takes each one that is pending, perhaps repeatedly."""

    def __init__(self, backend: BackendClient, relay_id: str, lease: Lease, put: Callable[[Delivery], None]) -> None:
        self._backend = backend
        self._relay_id = relay_id
        self._lease = lease
        self._put = put
        self._latest = 0
        self._looked_at = 0.0

    async def catch_up(self) -> None:
        """Fetches all that is pending now. Raises BackendProblem."""
        self._looked_at = time.monotonic()
        found, after = PAGE, 0
        while found >= PAGE:
            deliveries = await self._backend.deliveries(self._relay_id, after, wait=0)
            found, after = len(deliveries), max((delivery.id for delivery in deliveries), default=0)
            self._take(deliveries)

    async def fetch(self) -> None:
        """Fetches until cancelled."""
        pauses = growing_pauses(LONGEST_PAUSE_SECONDS, first=0.5)
        while True:
            try:
                if time.monotonic() - self._looked_at >= LOOK_AGAIN_SECONDS:
                    await self.catch_up()
                self._take(await self._backend.deliveries(self._relay_id, self._latest, WAIT_SECONDS))
                pauses = growing_pauses(LONGEST_PAUSE_SECONDS, first=0.5)
                await asyncio.sleep(GATHER_SECONDS)
            except BackendProblem as problem:
                log.warning("deliveries cannot be fetched: %s", problem)
                await asyncio.sleep(next(pauses))

    def _take(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            self._latest = max(self._latest, delivery.id)
            if self._lease.held:
                self._put(delivery)
