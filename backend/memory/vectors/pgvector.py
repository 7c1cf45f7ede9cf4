"""Vectors in Postgres: the table `vectors`, by the extension pgvector."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import numpy as np

from backend.database import Database, StorageUnavailable
from backend.memory.vectors.codes import encode
from backend.memory.vectors.store import Found, VectorIndex, Vectors, VectorStoreUnavailable, last_of_each

# So many of the codes' nearest hold nearly all of the nearest: see docs/adr/0005-short-codes-before-exact-vectors.md.
# A memory of up to so many is searched exactly.
COMPARED_PER_FOUND, LEAST_COMPARED = 4, 400
ROWS_PER_DELETE = 10_000

# A promise that was withdrawn meanwhile is passed over. Rows are locked in one order, whoever writes.
PUT = """
insert into vectors (index_id, embedding_id, scope, code, vector)
select $1, embedding_id, given.scope, code, ($5::real[])[(place - 1) * $6 + 1 : place * $6]::halfvec
from unnest($2::bigint[], $3::uuid[], $4::varbit[]) with ordinality as given (embedding_id, scope, code, place)
join embeddings on embeddings.id = embedding_id
order by embedding_id
for key share of embeddings
on conflict (embedding_id, index_id) do update
set scope = excluded.scope, code = excluded.code, vector = excluded.vector
"""

# The first step reads nothing but a part of one index, where a scope's codes lie side by side. The second looks each
# vector up
# by its key: where one scope is nearly all there is, Postgres would rather read all vectors; `limit 1` forbids it.
SEARCH = """
with near as materialized (
    select embedding_id from vectors
    where index_id = $1 and scope = any($2::uuid[])
    order by code <~> $3::varbit
    limit $4
), question as materialized (
    select $5::real[]::halfvec as vector
)
select near.embedding_id, 1 - (kept.vector <=> question.vector) as cosine
from question, near cross join lateral (
    select vector from vectors where embedding_id = near.embedding_id and index_id = $1 limit 1
) as kept
order by cosine desc, embedding_id
limit $6
"""

SCORES = """
with question as materialized (
    select place, ($3::real[])[place * $4 + 1 : (place + 1) * $4]::halfvec as vector
    from generate_series(0, array_length($3::real[], 1) / $4 - 1) as place
)
select place, embedding_id, 1 - (vectors.vector <=> question.vector) as cosine
from vectors, question
where index_id = $1 and embedding_id = any($2::bigint[])
"""

DELETE = "delete from vectors where index_id = $1 and embedding_id = any($2::bigint[])"
COUNT = "select count(*) from vectors where index_id = $1 and ($2::uuid is null or scope = $2)"
IDS = "select embedding_id from vectors where index_id = $1 and embedding_id > $2 order by embedding_id limit $3"


class PgVector:
    """The embedded default. A vector goes with its embedding, in the same transaction."""

    name = "pgvector"

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(self, index: VectorIndex) -> None:
        """Nothing to do: all indexes share one table."""

    async def drop(self, index: VectorIndex) -> None:
        while ids := await self.ids(index, after=0, limit=ROWS_PER_DELETE):
            await self.delete(index, ids)

    async def put(self, index: VectorIndex, ids: Sequence[int], scopes: Sequence[UUID], vectors: Vectors) -> None:
        index.check(vectors)
        last = last_of_each(ids)
        rows = vectors[list(last.values())]
        with _unavailable_as_a_vector_store():
            await self._db.run(
                PUT,
                index.id,
                list(last),
                [scopes[place] for place in last.values()],
                encode(rows),
                rows.ravel().tolist(),
                index.dimensions,
            )

    async def delete(self, index: VectorIndex, ids: Sequence[int]) -> None:
        with _unavailable_as_a_vector_store():
            await self._db.run(DELETE, index.id, sorted(ids))

    async def search(self, index: VectorIndex, questions: Vectors, scopes: Sequence[UUID], limit: int) -> list[Found]:
        index.check(questions)
        compared = max(COMPARED_PER_FOUND * limit, LEAST_COMPARED)
        with _unavailable_as_a_vector_store():
            rows = [
                await self._db.run(SEARCH, index.id, scopes, code, compared, question.tolist(), limit)
                for code, question in zip(encode(questions), questions, strict=True)
            ]
        return [[(row["embedding_id"], row["cosine"]) for row in found] for found in rows]

    async def scores(self, index: VectorIndex, questions: Vectors, ids: Sequence[int]) -> Vectors:
        index.check(questions)
        asked = questions.ravel().tolist()
        with _unavailable_as_a_vector_store():
            rows = await self._db.run(SCORES, index.id, ids, asked, index.dimensions) if asked else []
        cosines = {(row["place"], row["embedding_id"]): row["cosine"] for row in rows}
        table = [[cosines.get((place, id), np.nan) for id in ids] for place in range(len(questions))]
        return np.array(table, np.float32).reshape(len(questions), len(ids))

    async def count(self, index: VectorIndex, scope: UUID | None = None) -> int:
        with _unavailable_as_a_vector_store():
            [row] = await self._db.run(COUNT, index.id, scope)
        return int(row["count"])

    async def ids(self, index: VectorIndex, *, after: int, limit: int) -> list[int]:
        with _unavailable_as_a_vector_store():
            return [row["embedding_id"] for row in await self._db.run(IDS, index.id, after, limit)]

    async def close(self) -> None:
        """Nothing to do: the pool is not its own."""


@contextmanager
def _unavailable_as_a_vector_store() -> Iterator[None]:
    try:
        yield
    except StorageUnavailable as error:
        raise VectorStoreUnavailable from error
