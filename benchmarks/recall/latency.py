"""How long a search takes among many messages, next to plain vector search in the same run."""

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import cycle
from typing import TypeAlias
from uuid import UUID

import numpy as np

from backend.llm.embedding.types import Embedder, Vectors
from backend.memory.vectors.store import VectorIndex
from benchmarks.recall.crowd import MANY, SOME, Speech, gather_crowd
from benchmarks.recall.opening import Memory, opened

MESSAGES = 1_000_000
ASKED, WARM_UP = 200, 20
WORDS_ASKED, FOUND = 8, 5

Way: TypeAlias = Callable[[UUID, str], Awaitable[object]]

# What a project does that searches with pgvector alone, without an index that would lose most of a person's vectors.
PLAIN = """
select embedding_id from vectors where index_id = $1 and scope = $2 order by vector <=> ($3::real[])::halfvec limit $4
"""


class KnownVectors:
    """An embedder that has every vector at hand, and asks a `real` one only for the time that takes."""

    spec = "benchmark:clusters"
    real: Embedder | None = None

    def __init__(self, speech: Speech) -> None:
        self._speech = speech

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._speech.vectors(len(texts))

    async def embed_questions(self, texts: Sequence[str]) -> Vectors:
        if self.real:
            await self.real.embed_questions(texts)
        return self._speech.vectors(len(texts))

    async def close(self) -> None: ...


async def measure(database_url: str, store: str, real: Embedder, messages: int) -> list[str]:
    """A table, in milliseconds."""
    speech = Speech()
    embedder = KnownVectors(speech)
    async with opened(database_url, store, embedder) as memory:
        await memory.indexes.make("active")
        [one] = await memory.indexes.all()
        await memory.indexes.create(one)
        people = await gather_crowd(memory.db, one, speech, messages)
        lines = [f"{messages:,} messages{'':36}{'p50 ms':>8}{'p95':>8}{'p99':>8}"]
        for size in filter(people.get, (SOME, MANY)):
            for name, asked, way in _ways(memory, one.index, speech, real):
                embedder.real = asked
                spent = await _time(way, people[size], speech)
                figures = "".join(f"{figure:>8.1f}" for figure in np.percentile(spent, [50, 95, 99]))
                lines.append(f"{size:>9,} of one person: {name:30}{figures}")
        return lines


def _ways(memory: Memory, index: VectorIndex, speech: Speech, real: Embedder) -> list[tuple[str, Embedder | None, Way]]:
    async def search(scope: UUID, text: str) -> None:
        found = await memory.retrieval.search(text, scopes=[scope], now=datetime.now(UTC), limit=FOUND)
        assert found.by == "meaning and words"

    async def plain(scope: UUID, _: str) -> object:
        return await memory.db.run(PLAIN, index.id, scope, speech.vectors(1)[0].tolist(), FOUND)

    async def dense(scope: UUID, _: str) -> object:
        return await memory.store.search(index, speech.vectors(1), [scope], FOUND)

    nearest = [("plain pgvector", None, plain)] if memory.store.name == "pgvector" else []
    return [
        ("search", None, search),
        ("search with a local embedder", real, search),
        (f"vectors alone, {memory.store.name} as used here", None, dense),
        *nearest,
    ]


async def _time(way: Way, scopes: Sequence[UUID], speech: Speech) -> list[float]:
    spent = []
    for scope, text in zip(cycle(scopes), speech.texts(ASKED + WARM_UP), strict=False):
        began = time.perf_counter()
        await way(scope, " ".join(text.split()[:WORDS_ASKED]))
        spent.append((time.perf_counter() - began) * 1000)
    return spent[WARM_UP:]
