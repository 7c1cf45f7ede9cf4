"""A vector store to try, and the promises that its vectors keep."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import numpy as np
import pytest

from backend.database import Database
from backend.local.process import Child
from backend.memory.vectors import VectorIndex, Vectors, VectorStore

DIMENSIONS, TRAITS = 24, 16

PROMISE = """
with bot as (select id from bots limit 1),
session as (
    insert into chat_sessions (bot_id, user_id, chat_id, is_active)
    select id, gen_random_uuid()::text, '1', false from bot returning id
), said as (
    insert into messages (session_id, position, role, content, tokens)
    select session.id, n, 'user', 'something', 1 from session, generate_series(1, $1::int) as n returning id, session_id
)
insert into embeddings (scope, session_id, message_id, role, content)
select gen_random_uuid(), session_id, id, 'user', 'something' from said returning id
"""
MAKE_INDEX = """
insert into vector_indexes (store, embedder, dimensions, state) values ($1, 'test', $2, 'retired') returning id
"""


@dataclass(frozen=True, slots=True)
class Shelf:
    """`process` is the store's, if it is ours."""

    store: VectorStore
    index: VectorIndex
    db: Database
    process: Child | None

    async def kill(self) -> None:
        """The store ends in the middle of whatever it does."""
        if self.process is None:
            pytest.skip("a server that somebody else started cannot be killed")
        await asyncio.to_thread(self.process.kill)

    async def revive(self) -> None:
        """It starts again, on what it had on disk."""
        if self.process:
            await asyncio.to_thread(self.process.start)

    async def promise(self, count: int) -> list[int]:
        """Ids of embeddings which are in need of vectors."""
        return sorted(row["id"] for row in await self.db.run(PROMISE, count))

    async def another_index(self, dimensions: int = DIMENSIONS) -> VectorIndex:
        index = await make_index(self.db, self.store.name, dimensions)
        await self.store.create(index)
        return index

    async def fill(self, count: int, scope: UUID | None = None) -> tuple[list[int], Vectors]:
        """As many vectors, in this scope or in a new one."""
        ids, vectors = await self.promise(count), some_vectors(count, seed=count)
        await self.store.put(self.index, ids, [scope or uuid4()] * count, vectors)
        return ids, vectors

    async def stored(self) -> list[int]:
        return await self.store.ids(self.index, after=0, limit=1_000_000)


async def make_index(db: Database, store: str, dimensions: int = DIMENSIONS) -> VectorIndex:
    [row] = await db.run(MAKE_INDEX, store, dimensions)
    return VectorIndex(row["id"], store, "test", dimensions)


def some_vectors(count: int, *, seed: int, dimensions: int = DIMENSIONS) -> Vectors:
    """Of length 1, and as those of texts are: what tells them apart are far fewer traits than there are dimensions."""
    random = np.random.default_rng(seed)
    traits = np.random.default_rng(7).normal(size=(TRAITS, dimensions))
    vectors = random.normal(size=(count, TRAITS)) @ traits + random.normal(size=(count, dimensions))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def nearest(question: Vectors, ids: Sequence[int], vectors: Vectors, limit: int) -> list[tuple[int, float]]:
    """By comparing with every vector."""
    cosines = vectors @ question
    order = np.argsort(-cosines, kind="stable")[:limit]
    return [(ids[place], float(cosines[place])) for place in order]
