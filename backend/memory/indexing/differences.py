"""Compares the two sides of a vector index: what Postgres says is indexed, and what the store holds."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from backend.database import Database
from backend.memory.indexing.vector_indexes import OpenIndex

# So many ids of each side are looked at together.
STEP = 5_000

ROWS = """
select id, indexed_at is not null as indexed from embeddings where id > $1 order by id limit $2
"""
# What the two looks say differently may just have been written between them.
LOOK_AGAIN = "select id, indexed_at is not null as indexed from embeddings where id = any($1::bigint[])"


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows that are indexed, vectors in the store; `missing` have a row only, `strays` a vector only."""

    rows: int = 0
    vectors: int = 0
    pending: int = 0
    missing: int = 0
    strays: int = 0

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(
            self.rows + other.rows,
            self.vectors + other.vectors,
            self.pending + other.pending,
            self.missing + other.missing,
            self.strays + other.strays,
        )

    @property
    def differ(self) -> bool:
        return bool(self.missing or self.strays)


@dataclass(frozen=True, slots=True)
class Step:
    """A range of ids, with those of rows without a vector and of vectors without a row; `end` is its last id."""

    end: int
    counted: Counted
    missing: Sequence[int]
    strays: Sequence[int]


async def differences(db: Database, one: OpenIndex) -> AsyncIterator[Step]:
    """Step by step through all ids, in ascending order."""
    after = 0
    while True:
        found = await db.run(ROWS, after, STEP)
        held = await one.store.ids(one.index, after=after, limit=STEP)
        if not found and not held:
            return
        pages = [[row["id"] for row in found], held]
        full = [page[-1] for page in pages if len(page) == STEP]
        end = min(full) if full else max(page[-1] for page in pages if page)
        yield await _compare(
            db, end, {row["id"]: row["indexed"] for row in found if row["id"] <= end}, {id for id in held if id <= end}
        )
        after = end


async def _compare(db: Database, end: int, rows: Mapping[int, bool], held: set[int]) -> Step:
    indexed = {id for id, is_indexed in rows.items() if is_indexed}
    doubtful = [*indexed - held, *held - indexed]
    now = {row["id"]: row["indexed"] for row in await db.run(LOOK_AGAIN, doubtful)} if doubtful else {}
    missing = sorted(id for id in indexed - held if now.get(id))
    strays = sorted(id for id in held - indexed if id not in now)
    counted = Counted(len(indexed), len(held), len(rows) - len(indexed), len(missing), len(strays))
    return Step(end, counted, missing, strays)
