"""Keeps what was promised with the messages: words, then vectors, each exactly once, whoever is killed meanwhile."""

import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress

import numpy as np
import structlog

from backend.database import Database, Record, StorageUnavailable
from backend.errors import Unavailable
from backend.llm.embedding.types import Embedder
from backend.memory.indexing.differences import Counted, differences
from backend.memory.indexing.lease import Lease
from backend.memory.indexing.promises import promise_changed, promise_missing
from backend.memory.indexing.vector_indexes import OpenIndex, VectorIndexes
from backend.memory.vectors.store import DimensionsDiffer
from backend.memory.words import index_words

log = structlog.get_logger(__name__)

# So many pieces are embedded at once, and so many vectors deleted.
BATCH, FORGOTTEN_BATCH = 256, 1_000
# Other jobs want the worker too: after so many seconds the rest waits for the next job.
ONE_JOB_SECONDS = 60.0
# After a failure, nothing is tried for so many seconds; twice as long after the next, up to the second.
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 300.0

# Without an embedder and an index there are no vectors to be made, but there may be rows to be forgotten.
IS_PENDING = """
select exists (select from forgotten_vectors) or (
    ($1 or exists (select from vector_indexes where state = 'active'))
    and exists (select from embeddings where indexed_at is null and piece >= 0)
) as pending
"""
PENDING = """
select id, scope, content from embeddings where indexed_at is null and piece >= 0 order by id limit $1
"""
# Whatever was changed meanwhile stays pending; so does all of it if another index is in use by now.
DONE = """
update embeddings set indexed_at = now()
from unnest($1::bigint[], $2::uuid[], $3::text[]) as done (id, scope, content)
where embeddings.id = done.id and embeddings.scope = done.scope and embeddings.content = done.content
    and exists (select from vector_indexes where id = $4 and state = 'active')
"""
FORGOTTEN = "select embedding_id from forgotten_vectors order by embedding_id limit $1"
FORGOT = "delete from forgotten_vectors where embedding_id = any($1::bigint[])"
AGAIN = "update embeddings set indexed_at = null where id = any($1::bigint[])"


class Indexing:
    """The worker's part of semantic memory; everything is safe to repeat, and to do twice at once."""

    def __init__(self, db: Database, indexes: VectorIndexes, *, remembers: bool) -> None:
        """Unless it `remembers`, nothing new is promised; what was is kept, and what is deleted goes."""
        self._db = db
        self._indexes = indexes
        self._remembers = remembers
        self._swept_to = 0
        self._failures = 0
        self._not_before = 0.0

    async def sweep(self) -> None:
        """Promise messages that others inserted, a bounded number of them, and drop indexes that nobody uses."""
        if self._remembers:
            self._swept_to = await promise_missing(self._db, after=self._swept_to)
        await self._indexes.drop_retired()

    async def index(self) -> bool:
        """Index what is pending; true if there is more, for another job.

        An embedder or a store that fails is left alone for a while: everything stays pending.
        """
        await promise_changed(self._db)
        while await index_words(self._db, BATCH):
            pass
        if time.monotonic() < self._not_before:
            return False
        try:
            more = await self._index_vectors(time.monotonic() + ONE_JOB_SECONDS)
        except StorageUnavailable:
            raise
        except Exception as problem:
            self._pause(problem)
            if not isinstance(problem, Unavailable | DimensionsDiffer):
                raise
            return False
        self._failures = 0
        return more

    async def forget(self, ids: Sequence[int]) -> None:
        """Delete the vectors of deleted rows at once; the worker does it again, since one may just be on its way."""
        await self._delete(await self._indexes.all(), ids)

    async def vectors_of(self, ids: Sequence[int]) -> int:
        """How many vectors there are of these embeddings, in all indexes."""
        found = 0
        for one in await self._indexes.all():
            anything = np.ones((1, one.index.dimensions), np.float32)
            for start in range(0, len(ids), FORGOTTEN_BATCH):
                scores = await one.store.scores(one.index, anything, ids[start : start + FORGOTTEN_BATCH])
                found += int(np.count_nonzero(~np.isnan(scores)))
        return found

    async def compare(self, one: OpenIndex, *, repair: bool = False) -> Counted:
        """Both sides of an index. What differs can be repaired: strays are deleted, and what is missing is pending.

        From an index that is being built only strays are deleted: what it misses, `reindex` makes.
        """
        counted = Counted()
        async for step in differences(self._db, one):
            counted += step.counted
            if repair and step.strays:
                await one.store.delete(one.index, step.strays)
            if repair and step.missing and one.is_active:
                await self._db.run(AGAIN, step.missing)
        return counted

    async def reconcile(self) -> None:
        """Repair the active index, and say so in the log if there was anything to repair; clean the one being built."""
        for one in await self._indexes.all():
            with nullcontext() if one.is_active else suppress(Unavailable):
                counted = await self.compare(one, repair=True)
                if one.is_active and counted.differ:
                    log.warning("vectors_repaired", missing=counted.missing, strays=counted.strays)

    async def _is_pending(self) -> bool:
        return bool((await self._db.run(IS_PENDING, bool(self._indexes.chosen.embedder)))[0]["pending"])

    async def _index_vectors(self, until: float) -> bool:
        """True if there was no time for all of them."""
        while await self._is_pending():
            if time.monotonic() > until:
                return True
            if not await self._index_for_a_while(until):
                break
        return False

    async def _index_for_a_while(self, until: float) -> bool:
        """False if that is not for this process to do."""
        indexes = await self._indexes.all()
        active = next((one for one in indexes if one.is_active), None)
        if not active and indexes:
            return False  # the first one is just being built
        if not active and self._indexes.chosen.embedder:
            await self._indexes.make("active")
            return True
        if not active:
            return await self._forget([])
        if not (lease := await Lease.take(self._db, active.index.id)):
            return False
        try:
            await self._indexes.create(active)
            while await self._forget(indexes) or await self._index_batch(active, lease):
                if time.monotonic() > until:
                    break
        finally:
            await lease.release()
        return True

    async def _index_batch(self, active: OpenIndex, lease: Lease) -> bool:
        """False if nothing was left to do."""
        rows = await self._db.run(PENDING, BATCH)
        if rows:
            await put(active, self._indexes.embedder(active.index), rows, lease)
            columns = [[row[name] for row in rows] for name in ("id", "scope", "content")]
            await self._db.run(DONE, *columns, active.index.id)
        return bool(rows)

    async def _forget(self, indexes: Sequence[OpenIndex]) -> bool:
        """Delete vectors of deleted rows, under the lease: afterwards none of them can be put any more."""
        ids = [row["embedding_id"] for row in await self._db.run(FORGOTTEN, FORGOTTEN_BATCH)]
        if ids:
            await self._delete(indexes, ids)
            await self._db.run(FORGOT, ids)
        return bool(ids)

    async def _delete(self, indexes: Sequence[OpenIndex], ids: Sequence[int]) -> None:
        """What cannot be deleted from an index that is being built will not be in it when it is switched to."""
        for one in indexes:
            with nullcontext() if one.is_active else suppress(Unavailable):
                await one.store.delete(one.index, ids)

    def _pause(self, problem: Exception) -> None:
        pause = min(PAUSE_SECONDS * 2**self._failures, LONGEST_PAUSE_SECONDS)
        self._failures += 1
        self._not_before = time.monotonic() + pause
        log.warning("indexing_paused", seconds=pause, problem=type(problem).__name__, reason=str(problem))


async def put(one: OpenIndex, embedder: Embedder, rows: Sequence[Record], lease: Lease) -> None:
    """Make the vectors of rows (id, scope, content), and put them into an index, if the lease still stands then."""
    vectors = await lease.keep_while(embedder.embed_passages([row["content"] for row in rows]))
    one.index.check(vectors)
    await lease.renew()
    await one.store.put(one.index, [row["id"] for row in rows], [row["scope"] for row in rows], vectors)
