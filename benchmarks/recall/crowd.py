"""A crowd to search in: one person who said very much, some who said much, and many who said little.

Their words follow Zipf's law, and their vectors lie in clusters, as those of real texts do.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt

from backend.database import Database, Record
from backend.llm.embedding.types import Vectors, of_length_one
from backend.memory.indexing.vector_indexes import OpenIndex
from backend.memory.words import index_words

DIMENSIONS, CLUSTERS, SPREAD = 384, 500, 1.0
Owners: TypeAlias = npt.NDArray[np.int64]

VOCABULARY, LONGEST, SHORTEST = 200_000, 30, 6
# The most frequent words of a language are stop words: these are the ones behind them.
SKIPPED, EXPONENT = 15, 1.1
MANY, FEW, SOME = 100_000, 30, 1_500
PEOPLE_OF_SOME = 100
PORTION, PUT_AT_ONCE = 20_000, 1_000

SESSIONS = """
insert into chat_sessions (bot_id, user_id, chat_id, is_active)
select bots.id, 'person ' || number, 'chat', false from bots, generate_series(1, $1) number where slug = 'default'
returning id, scope
"""
MESSAGES = """
insert into messages (session_id, position, role, content, tokens)
select session_id, position, 'user', content, 0 from unnest($1::uuid[], $2::bigint[], $3::text[]) said
    (session_id, position, content)
returning id
"""
EMBEDDINGS = """
insert into embeddings (scope, session_id, message_id, role, content)
select scope, session_id, id, 'user', content
from unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::text[]) said (id, session_id, scope, content)
"""
PENDING = "select id, scope from embeddings where indexed_at is null order by id limit $1"
DONE = "update embeddings set indexed_at = now() where id = any($1)"


class Speech:
    """Texts and vectors, the same in every run."""

    def __init__(self) -> None:
        self._chance = np.random.default_rng(20_261_121)
        rates = 1 / (np.arange(VOCABULARY) + SKIPPED) ** EXPONENT
        self._rates = np.cumsum(rates / rates.sum())
        self._centres = self._chance.standard_normal((CLUSTERS, DIMENSIONS)).astype(np.float32)

    def texts(self, count: int) -> list[str]:
        lengths = self._chance.integers(SHORTEST, LONGEST, count)
        words = np.searchsorted(self._rates, self._chance.random(lengths.sum()))
        named = [f"w{word}q" for word in words.tolist()]
        ends = np.cumsum(lengths).tolist()
        return [" ".join(named[end - length : end]) for end, length in zip(ends, lengths.tolist(), strict=True)]

    def vectors(self, count: int) -> Vectors:
        centres = self._centres[self._chance.integers(0, CLUSTERS, count)]
        return of_length_one(centres + SPREAD * self._chance.standard_normal(centres.shape).astype(np.float32))

    def mixed(self, owners: Owners) -> Owners:
        """People speak at the same time."""
        return self._chance.permutation(owners)


async def gather_crowd(db: Database, one: OpenIndex, speech: Speech, total: int) -> dict[int, Sequence[UUID]]:
    """`total` messages, indexed as the product does it; returns the scopes by how much was said there."""
    sizes = list(_sizes(total))
    rows = await db.run(SESSIONS, len(sizes))
    owners = speech.mixed(np.repeat(np.arange(len(sizes)), sizes))
    for start in range(0, total, PORTION):
        said_by = [rows[owner] for owner in owners[start : start + PORTION].tolist()]
        await _say(db, said_by, start, speech.texts(len(said_by)))
        while await index_words(db, PUT_AT_ONCE):
            pass
        await _put(db, one, speech)
        print(f"\r{start + len(said_by):>10,} of {total:,} messages", end="", flush=True)
    await db.run("analyze")
    print()
    return {
        wanted: [row["scope"] for row, size in zip(rows, sizes, strict=True) if size == wanted]
        for wanted in (SOME, MANY)
    }


async def _say(db: Database, said_by: Sequence[Record], start: int, texts: Sequence[str]) -> None:
    sessions, scopes = [row["id"] for row in said_by], [row["scope"] for row in said_by]
    positions = list(range(start + 1, start + len(texts) + 1))
    messages = await db.run(MESSAGES, sessions, positions, texts)
    await db.run(EMBEDDINGS, [row["id"] for row in messages], sessions, scopes, texts)


async def _put(db: Database, one: OpenIndex, speech: Speech) -> None:
    while rows := await db.run(PENDING, PUT_AT_ONCE):
        ids = [row["id"] for row in rows]
        await one.store.put(one.index, ids, [row["scope"] for row in rows], speech.vectors(len(rows)))
        await db.run(DONE, ids)


def _sizes(total: int) -> Iterator[int]:
    """One of many, some of some, and the rest have few."""
    planned = [MANY, *[SOME] * PEOPLE_OF_SOME]
    for size in planned:
        if total >= size:
            total -= size
            yield size
    yield from [FEW] * (total // FEW)
    if total % FEW:
        yield total % FEW
