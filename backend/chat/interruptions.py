"""How the carrying out of a turn ends before its answer does: it was stopped, or it is no longer ours.

Both are marks in the turn's row, set by whichever process was told so. The one that carries the turn out hears of it by
a notice, and, should that get lost, by its next look at the rows of all turns that it has.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

from backend.chat.turns import Turn
from backend.database import Database, StorageUnavailable

LOOK_SECONDS = 1.0

STATES = """
select id, attempt, stopping, status in ('waiting', 'open') as unfinished from turns where id = any($1::uuid[])
"""


@dataclass(slots=True, eq=False)
class Interruptible:
    """A turn that is being carried out within a `scope`; when that has expired, `stopped` tells why."""

    turn: Turn
    scope: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))
    stopped: bool = False


class Interruptions:
    """The turns that this process carries out, and who ends them early."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._going_on: set[Interruptible] = set()
        self._noticed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._task = asyncio.create_task(self._watch())  # noqa: TID251 - it lives as long as the process

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def notice(self, turn_id: UUID) -> None:
        """Something has happened to a turn, of whichever process."""
        if any(each.turn.id == turn_id for each in self._going_on):
            self._noticed.set()

    @contextmanager
    def watching(self, interruptible: Interruptible) -> Iterator[None]:
        """Within, the scope expires at once when the turn is stopped or lost."""
        self._going_on.add(interruptible)
        try:
            yield
        finally:
            self._going_on.discard(interruptible)

    async def _watch(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._noticed.wait(), LOOK_SECONDS)
            self._noticed.clear()
            with suppress(StorageUnavailable):
                await self._look()

    async def _look(self) -> None:
        looked_at = list(self._going_on)
        if not looked_at:
            return
        rows = await self._db.run(STATES, [each.turn.id for each in looked_at])
        ours = {(row["id"], row["attempt"]): row["stopping"] for row in rows if row["unfinished"]}
        for each in looked_at:
            stopping = ours.get((each.turn.id, each.turn.attempt))
            if stopping is not False and each in self._going_on:
                self._going_on.discard(each)
                each.stopped = bool(stopping)
                each.scope.reschedule(0)
