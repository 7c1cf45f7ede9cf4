"""What only vectors in Postgres promise: they go with what they stand for, and a search reads little."""

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from backend.database import Database
from backend.memory.vectors import PgVector
from backend.memory.vectors.codes import encode
from backend.memory.vectors.pgvector import SEARCH, as_texts
from tests.backend.memory.vectors.shelf import Shelf, make_index, some_vectors


@pytest.fixture
async def shelf(db: Database) -> AsyncIterator[Shelf]:
    store = PgVector(db)
    yield Shelf(store, await make_index(db, store.name), db, None)
    await db.run("truncate vector_indexes, forgotten_vectors cascade")


async def test_a_vector_goes_with_what_it_stands_for(shelf: Shelf) -> None:
    ids, _ = await shelf.fill(4)
    await shelf.db.run("delete from embeddings where id = $1", ids[0])
    assert await shelf.stored() == ids[1:]
    await shelf.db.run("delete from chat_sessions")
    assert await shelf.stored() == []


async def test_a_promise_that_was_withdrawn_meanwhile_is_passed_over(shelf: Shelf) -> None:
    ids, vectors = await shelf.promise(3), some_vectors(3, seed=1)
    await shelf.db.run("delete from embeddings where id = $1", ids[1])
    await shelf.store.put(shelf.index, ids, [uuid4()] * 3, vectors)
    assert await shelf.stored() == [ids[0], ids[2]]


async def test_all_vectors_go_with_their_index(shelf: Shelf) -> None:
    await shelf.fill(3)
    await shelf.db.run("delete from vector_indexes where id = $1", shelf.index.id)
    assert await shelf.stored() == []


async def test_a_search_reads_codes_from_one_index_and_only_the_nearest_vectors(shelf: Shelf) -> None:
    index, scopes = await shelf.another_index(dimensions=384), [uuid4() for _ in range(8)]
    ids, vectors = await shelf.promise(2_000), some_vectors(2_000, seed=1, dimensions=384)
    await shelf.store.put(index, ids, [scopes[place % 8] for place in range(2_000)], vectors)
    await shelf.db.run("vacuum analyze vectors")
    [question] = questions = some_vectors(1, seed=2, dimensions=384)
    arguments = (index.id, scopes[:1], encode(questions)[0], 40, as_texts(question[None])[0], 10)
    plan = "\n".join(row[0] for row in await shelf.db.run(f"explain (analyze, costs off) {SEARCH}", *arguments))
    assert re.search(r"Index Only Scan using ix_vectors_scope .*rows=250\b", plan), plan
    assert re.search(r"Heap Fetches: 0\b", plan), plan
    assert re.search(r"Index Scan using pk_vectors .*loops=40\b", plan), plan
