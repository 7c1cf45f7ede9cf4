"""Vectors in Postgres: the table `vectors`, by the extension pgvector."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import numpy as np
import orjson

from backend.database import Database, Record, StorageUnavailable
from backend.memory.columns import Integers, floats, integers, places
from backend.memory.vectors.codes import encode
from backend.memory.vectors.store import Found, VectorIndex, Vectors, VectorStoreUnavailable, last_of_each

# So many of the codes' nearest hold nearly all of the nearest: see docs/adr/0005-short-codes-before-exact-vectors.md.
# A memory of up to so many is searched exactly.
COMPARED_PER_FOUND, LEAST_COMPARED = 4, 400
ROWS_PER_DELETE = 10_000

# A promise that was withdrawn meanwhile is passed over. Rows are locked in one order, whoever writes.
PUT = """
insert into vectors (index_id, embedding_id, scope, code, vector)
select $1, embedding_id, given.scope, code, given.vector::halfvec
from unnest($2::bigint[], $3::uuid[], $4::varbit[], $5::text[]) as given (embedding_id, scope, code, vector)
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
    select $5::text::halfvec as vector
)
select near.embedding_id, 1 - (kept.vector <=> question.vector) as cosine
from question, near cross join lateral (
    select vector from vectors where embedding_id = near.embedding_id and index_id = $1 limit 1
) as kept
order by cosine desc, embedding_id
limit $6
"""


def compared_to(*, index: str, vectors: str, ids: str) -> str:
    """SQL of one row, read by `read_cosines`: how near the vectors, as `as_texts` writes them, are to those of ids."""
    return f"""
        with question as materialized (
            select place, vector::halfvec from unnest({vectors}::text[]) with ordinality as given (vector, place)
        )
        select string_agg(int8send(place - 1), '') as near_places, string_agg(int8send(embedding_id), '') as near,
            string_agg(float8send(1 - (kept.vector <=> question.vector)), '') as cosines
        from vectors kept cross join question where index_id = {index} and embedding_id = any({ids})
    """


SCORES = compared_to(index="$1", vectors="$3", ids="$2::bigint[]")

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
                as_texts(rows),
            )

    async def delete(self, index: VectorIndex, ids: Sequence[int]) -> None:
        with _unavailable_as_a_vector_store():
            await self._db.run(DELETE, index.id, sorted(ids))

    async def search(self, index: VectorIndex, questions: Vectors, scopes: Sequence[UUID], limit: int) -> list[Found]:
        index.check(questions)
        compared = max(COMPARED_PER_FOUND * limit, LEAST_COMPARED)
        with _unavailable_as_a_vector_store():
            rows = [
                await self._db.run(SEARCH, index.id, scopes, code, compared, question, limit)
                for code, question in zip(encode(questions), as_texts(questions), strict=True)
            ]
        return [[(row["embedding_id"], row["cosine"]) for row in found] for found in rows]

    async def scores(self, index: VectorIndex, questions: Vectors, ids: Sequence[int]) -> Vectors:
        index.check(questions)
        ascending, place = np.unique(np.array(ids, np.int64), return_inverse=True)
        with _unavailable_as_a_vector_store():
            [row] = await self._db.run(SCORES, index.id, ascending.tolist(), as_texts(questions))
        return read_cosines(row, len(questions), ascending)[:, place]

    async def count(self, index: VectorIndex, scope: UUID | None = None) -> int:
        with _unavailable_as_a_vector_store():
            [row] = await self._db.run(COUNT, index.id, scope)
        return int(row["count"])

    async def ids(self, index: VectorIndex, *, after: int, limit: int) -> list[int]:
        with _unavailable_as_a_vector_store():
            return [row["embedding_id"] for row in await self._db.run(IDS, index.id, after, limit)]

    async def close(self) -> None:
        """Nothing to do: the pool is not its own."""


def as_texts(vectors: Vectors) -> list[str]:
    """One for each row, as pgvector reads them: far less to do than lists of numbers are."""
    return [
        orjson.dumps(vector, option=orjson.OPT_SERIALIZE_NUMPY).decode() for vector in np.ascontiguousarray(vectors)
    ]


def read_cosines(row: Record, questions: int, ids: Integers) -> Vectors:
    """What `compared_to` found: the cosine of every question [row] with every id [column]; `ids` ascend."""
    table = np.full((questions, len(ids)), np.nan, np.float32)
    column, known = places(ids, integers(row["near"]))
    table[integers(row["near_places"])[known], column[known]] = floats(row["cosines"])[known]
    return table


@contextmanager
def _unavailable_as_a_vector_store() -> Iterator[None]:
    try:
        yield
    except StorageUnavailable as error:
        raise VectorStoreUnavailable from error
