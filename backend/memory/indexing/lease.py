"""One process at a time writes the vectors of an index, and another goes on when it has died."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Self, TypeVar

from backend.database import Database
from backend.errors import Unavailable

T = TypeVar("T")

# A lease that is not renewed for so long belongs to a process that has died.
LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0

TAKE = """
update vector_indexes set indexing_until = now() + make_interval(secs => $2)
where id = $1 and state <> 'retired' and coalesce(indexing_until, '-infinity') < now()
returning indexing_until
"""
RENEW = """
update vector_indexes set indexing_until = clock_timestamp() + make_interval(secs => $3)
where id = $1 and state <> 'retired' and indexing_until = $2
returning indexing_until
"""
RELEASE = "update vector_indexes set indexing_until = null where id = $1 and state <> 'retired' and indexing_until = $2"


class LeaseLost(Unavailable):
    """Another process writes the vectors of this index now."""


class Lease:
    """The right to write the vectors of an index: proven anew before every write."""

    def __init__(self, db: Database, index_id: int, until: datetime) -> None:
        self._db = db
        self._index_id = index_id
        self._until = until

    @classmethod
    async def take(cls, db: Database, index_id: int) -> Self | None:
        """None if another process has it."""
        for row in await db.run(TAKE, index_id, LEASE_SECONDS):
            return cls(db, index_id, row["indexing_until"])
        return None

    async def renew(self) -> None:
        """Raises `LeaseLost`."""
        rows = await self._db.run(RENEW, self._index_id, self._until, LEASE_SECONDS)
        if not rows:
            raise LeaseLost
        self._until = rows[0]["indexing_until"]

    async def release(self) -> None:
        await self._db.run(RELEASE, self._index_id, self._until)

    async def keep_while(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work returns, however long it takes; it is given up when the lease is lost."""
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=RENEW_SECONDS))[0]:
                await self.renew()
            return task.result()
        finally:
            task.cancel()
