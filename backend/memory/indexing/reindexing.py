"""Builds a new vector index beside the one in use, and switches when it has everything."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from backend.database import Database
from backend.errors import Conflict
from backend.llm.embedding.types import EmbedderInvalid
from backend.memory.indexing.differences import differences
from backend.memory.indexing.indexing import BATCH, put
from backend.memory.indexing.lease import Lease
from backend.memory.indexing.vector_indexes import OpenIndex, VectorIndexes

# The lease of a process that was killed ends by itself; the worker gives its own back after a minute at the latest.
PATIENCE_SECONDS, LOOK_AGAIN_SECONDS = 120.0, 0.2

ROWS = "select id, scope, content from embeddings where id = any($1::bigint[]) order by id"
COUNT = "select count(*) from embeddings where indexed_at is not null"
GONE = "select id from unnest($1::bigint[]) as id where not exists (select from embeddings where embeddings.id = id.id)"

Show = Callable[[int, int], None]


class IndexBusy(Conflict):
    """Another process writes the vectors of this index."""


async def reindex(db: Database, indexes: VectorIndexes, show: Show) -> OpenIndex:
    """The new index, in use; `show` is told how many pieces it has, of how many.

    What a killed one has left is continued. The worker goes on with the index in use meanwhile; the new one catches up
    with it until nothing is missing, in the end while the worker is kept waiting. Raises `IndexBusy`,
    `EmbedderInvalid`, and what embedder and store raise: then the old index stays in use. The worker's sweep drops it.
    """
    if not indexes.chosen.embedder:
        raise EmbedderInvalid("no embedder is set: set EMBEDDINGS")
    new = await indexes.create(await _building(indexes))
    async with _leased(db, new) as lease:
        build = _Build(db, indexes, new, lease, show)
        await build.catch_up()
        active = next((one for one in await indexes.all() if one.is_active), None)
        if active:
            async with _leased(db, active) as worker_waits:
                await worker_waits.keep_while(build.finish())
        else:
            await build.finish()
    return new


async def _building(indexes: VectorIndexes) -> OpenIndex:
    """The index that the settings name, as far as it is built."""
    for one in await indexes.all():
        if not one.is_active and not indexes.is_chosen(one.index) and not await indexes.abandon(one):
            raise IndexBusy(f"vector index {one.index.id} is being built for other settings")
    await indexes.make("building")
    for one in await indexes.all():
        if not one.is_active:
            return one
    raise IndexBusy("another process has just built an index")


@asynccontextmanager
async def _leased(db: Database, one: OpenIndex) -> AsyncIterator[Lease]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (lease := await Lease.take(db, one.index.id)):
        if time.monotonic() > deadline:
            raise IndexBusy(f"vector index {one.index.id}")
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    try:
        yield lease
    finally:
        await lease.release()


@dataclass(frozen=True, slots=True)
class _Build:
    """The building of a new index, under its lease."""

    db: Database
    indexes: VectorIndexes
    new: OpenIndex
    lease: Lease
    show: Show

    async def finish(self) -> None:
        await self.catch_up()
        await self.indexes.switch_to(self.new)

    async def catch_up(self) -> None:
        """Until all that is indexed is in the new index, and nothing else."""
        while await self._go_through():
            pass

    async def _go_through(self) -> bool:
        """True if anything was missing or too much: then there may be more by now."""
        total, done, changed = (await self.db.run(COUNT))[0]["count"], 0, False
        async for step in differences(self.db, self.new):
            done += step.counted.rows - len(step.missing)
            if step.strays:
                await self.new.store.delete(self.new.index, step.strays)
            for start in range(0, len(step.missing), BATCH):
                await self._add(step.missing[start : start + BATCH])
                done += len(step.missing[start : start + BATCH])
                self.show(done, max(done, total))
            changed = changed or bool(step.missing or step.strays)
            await self.lease.renew()
        return changed

    async def _add(self, ids: Sequence[int]) -> None:
        if rows := await self.db.run(ROWS, ids):
            await put(self.new, self.indexes.embedder(self.new.index), rows, self.lease)
        if gone := [row["id"] for row in await self.db.run(GONE, ids)]:  # deleted while its vector was being made
            await self.new.store.delete(self.new.index, gone)
