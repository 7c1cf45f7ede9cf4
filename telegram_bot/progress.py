"""Tells the backend how far deliveries have come, and gets what they hand over, however long it cannot be reached."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from telegram_bot.backend_client import BackendClient, BackendProblem, ChangedCard, Delivery, Progress
from telegram_bot.backend_client.problems import DELIVERY_NOT_FOUND, DELIVERY_OVER, LEASE_LOST
from telegram_bot.backend_client.wire import NOTHING
from telegram_bot.lease import Lease
from telegram_bot.pauses import growing_pauses

LONGEST_PAUSE_SECONDS = 5.0
SHOWN_SECONDS = 2.0

T = TypeVar("T")


class Over(Exception):
    """The delivery is not pending any more."""


class Lost(Exception):
    """Another process may have the bot now."""


class Reports:
    def __init__(self, backend: BackendClient, relay_id: str, lease: Lease) -> None:
        self._backend = backend
        self._relay_id = relay_id
        self._lease = lease

    async def tell(self, delivery: Delivery, progress: Progress) -> None:
        """Tell the backend, however long it cannot be reached. Raises Lost or Over."""
        pauses = growing_pauses(LONGEST_PAUSE_SECONDS, first=0.2)
        perhaps_known = False
        while True:
            self.check_lease()
            try:
                if perhaps_known and await self._knows(delivery, progress):
                    return
                await self._backend.report(self._relay_id, delivery.id, progress)
            except BackendProblem as problem:
                if problem.type == LEASE_LOST:
                    raise Lost from problem
                if problem.type == DELIVERY_OVER:
                    raise Over from problem
                if not problem.passing:
                    raise
                perhaps_known = True
                await asyncio.sleep(next(pauses))
            else:
                return

    async def show(self, turn_id: str, message_id: int) -> None:
        """Whoever goes on after a kill makes the answer of this message; it is no harm if nobody learns of it."""
        with suppress(BackendProblem):
            await self._backend.shown(self._relay_id, turn_id, message_id, SHOWN_SECONDS)

    async def show_card(self, card: ChangedCard) -> None:
        """Tell that the card is seen as it is, or never will be. Raises Lost, or Over if it is not there any more."""
        await self._insist(lambda: self._backend.runs.shown(self._relay_id, card))

    async def content(self, delivery: Delivery) -> bytes:
        """The file that is to be handed over. Raises Lost, or Over if it is not there any more."""
        return await self._insist(lambda: self._backend.runs.file(delivery.id))

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        pauses = growing_pauses(LONGEST_PAUSE_SECONDS, first=0.2)
        while True:
            self.check_lease()
            try:
                return await ask()
            except BackendProblem as problem:
                if problem.type == LEASE_LOST:
                    raise Lost from problem
                if problem.type == DELIVERY_NOT_FOUND:
                    raise Over from problem
                if not problem.passing:
                    raise
                await asyncio.sleep(next(pauses))

    async def _knows(self, delivery: Delivery, progress: Progress) -> bool:
        """Whether its answer was merely lost: what is told twice would count as a part sent again."""
        pending = await self._backend.deliveries(self._relay_id, after=delivery.id - 1, wait=0)
        noted = next((other for other in pending if other.id == delivery.id), None)
        if noted is None:
            if progress.state:
                return True
            raise Over
        sent = delivery.sent if progress.sent is None else progress.sent
        return (
            progress.state is None
            and noted.sent >= sent
            and (noted.sending or NOTHING) == (progress.sending or NOTHING)
        )

    def check_lease(self) -> None:
        """Raises Lost."""
        if not self._lease.held:
            raise Lost
