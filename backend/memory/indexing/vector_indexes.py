"""Which vector index is in use, and which is being built, with the embedder and the store of each."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from backend.database import Database, Record
from backend.errors import Unavailable
from backend.llm.embedding.types import Embedder, EmbedderInvalid
from backend.memory.vectors.store import VectorIndex, VectorStore

log = structlog.get_logger(__name__)

# A process notices within so many seconds that another index is in use.
NOTICED_SECONDS = 5.0
# So nobody searches a retired index after so many.
RETIRED_SECONDS = 2 * NOTICED_SECONDS

ANY_TEXT = "How long are your vectors?"

ReadEmbedder = Callable[[str], Embedder]

READ = """
select id, store, embedder, dimensions, state from vector_indexes where state <> 'retired' order by state
"""
MAKE = """
insert into vector_indexes (store, embedder, dimensions, state) values ($1, $2, $3, $4)
on conflict do nothing
"""
ABANDON = """
update vector_indexes set state = 'retired', indexing_until = null
where id = $1 and state = 'building' and coalesce(indexing_until, '-infinity') < now()
returning id
"""
RETIRE = """
update vector_indexes set state = 'retired', indexing_until = now() + make_interval(secs => $1) where state = 'active'
"""
ACTIVATE = """
update vector_indexes set state = 'active', indexing_until = null where id = $1 and state = 'building' returning id
"""
RETIRED = """
select id, store, embedder, dimensions, state from vector_indexes
where state = 'retired' and coalesce(indexing_until, '-infinity') < now()
"""
DROPPED = "delete from vector_indexes where id = $1"


class IndexUnusable(Unavailable):
    """A vector index is there, but not what it was made with."""


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """A vector index, and the stores that are set up: its own should be among them."""

    index: VectorIndex
    state: str
    stores: Mapping[str, VectorStore] = field(repr=False)

    @property
    def is_active(self) -> bool:
        return self.state == "active"

    @property
    def store(self) -> VectorStore:
        """Raises `IndexUnusable`."""
        try:
            return self.stores[self.index.store]
        except KeyError:
            told = f"The vectors are in {self.index.store}: set its address, or run `llmbot reindex`."
            raise IndexUnusable(told) from None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the settings name for the next index; without an embedder, there is none."""

    store: str
    embedder: str


class VectorIndexes:
    """Opens the index in use, whatever the settings name by now."""

    def __init__(
        self, db: Database, stores: Iterable[VectorStore], read_embedder: ReadEmbedder, chosen: Chosen
    ) -> None:
        self._db = db
        self._stores = {store.name: store for store in stores}
        self._read_embedder = read_embedder
        self.chosen = chosen
        self._embedders: dict[str, Embedder] = {}
        self._created: set[int] = set()
        self._active: OpenIndex | None = None
        self._read_at = -NOTICED_SECONDS

    async def close(self) -> None:
        for embedder in self._embedders.values():
            await embedder.close()
        for store in self._stores.values():
            await store.close()

    async def active(self) -> OpenIndex | None:
        """The index that is searched, as it was a few seconds ago at most."""
        if time.monotonic() - self._read_at >= NOTICED_SECONDS:
            self._active = next((one for one in await self.all() if one.is_active), None)
            self._read_at = time.monotonic()
        return self._active

    async def all(self) -> list[OpenIndex]:
        """The active index first, then the one being built."""
        return [OpenIndex(_as_index(row), row["state"], self._stores) for row in await self._db.run(READ)]

    async def create(self, one: OpenIndex) -> OpenIndex:
        """Make sure, once in this process, that the store has the index."""
        if one.index.id not in self._created:
            await one.store.create(one.index)
            self._created.add(one.index.id)
        return one

    async def make(self, state: str) -> None:
        """A new index of what the settings name; nothing if there is one in this state. Raises `IndexUnusable`."""
        embedder = self._embedder(self.chosen.embedder)
        dimensions = (await embedder.embed_passages([ANY_TEXT])).shape[1]
        await self._db.run(MAKE, self.chosen.store, embedder.spec, dimensions, state)

    async def abandon(self, one: OpenIndex) -> bool:
        """Retire an index that is being built; false if somebody is at it."""
        return bool(await self._db.run(ABANDON, one.index.id))

    async def switch_to(self, one: OpenIndex) -> None:
        """Have the index that was being built searched from now on, by every process; the old one is retired.

        Raises `IndexUnusable` if somebody has given it up meanwhile.
        """
        async with self._db.begin() as tx:
            await tx.execute(RETIRE, RETIRED_SECONDS)
            if not await tx.fetch(ACTIVATE, one.index.id):
                raise IndexUnusable(f"Vector index {one.index.id} is no longer being built.")
        self._read_at = -NOTICED_SECONDS

    async def drop_retired(self) -> None:
        """Drop the vectors of indexes that nobody searches any more."""
        for row in await self._db.run(RETIRED):
            if row["store"] in self._stores:
                await self._stores[row["store"]].drop(_as_index(row))
            else:
                log.warning("vectors_left_behind", index=row["id"], store=row["store"])
            await self._db.run(DROPPED, row["id"])

    async def prove(self, one: OpenIndex) -> None:
        """Have a vector made. Raises `IndexUnusable`, `EmbedderUnavailable` or `DimensionsDiffer`."""
        one.index.check(await self.embedder(one.index).embed_passages([ANY_TEXT]))

    def embedder(self, index: VectorIndex) -> Embedder:
        """What makes the vectors of an index, for passages and questions. Raises `IndexUnusable`."""
        return self._embedder(index.embedder)

    def chosen_differs(self, index: VectorIndex) -> str:
        """A sentence, if the settings name another embedder or store than those of the index in use."""
        if not self.chosen.embedder or self.is_chosen(index):
            return ""
        return (
            f"the vectors were made by {index.embedder} in {index.store}, but the settings name {self.chosen.embedder} "
            f"in {self.chosen.store}: run `llmbot reindex`"
        )

    def is_chosen(self, index: VectorIndex) -> bool:
        """Whether the settings still name what the index was made with. Raises `IndexUnusable`."""
        return (index.store, index.embedder) == (self.chosen.store, self._embedder(self.chosen.embedder).spec)

    def _embedder(self, spec: str) -> Embedder:
        if spec not in self._embedders:
            try:
                self._embedders[spec] = self._read_embedder(spec)
            except EmbedderInvalid as error:
                raise IndexUnusable(str(error)) from error
        return self._embedders[spec]


def _as_index(row: Record) -> VectorIndex:
    return VectorIndex(row["id"], row["store"], row["embedder"], row["dimensions"])
