"""Finds what was said about a question: by meaning and by words, ranked by one function that sees both."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
import structlog

from backend.database import Database, Record
from backend.errors import Unavailable
from backend.memory.indexing.vector_indexes import OpenIndex, VectorIndexes
from backend.memory.retrieval.candidates import Candidates, Floats, Integers
from backend.memory.retrieval.lexical import Words, count_words, find_words
from backend.memory.retrieval.loading import Known, as_candidates, know, load, load_all
from backend.memory.retrieval.passages import Found, Passage
from backend.memory.retrieval.question import Question, read_question
from backend.memory.retrieval.scoring import Scored, score
from backend.memory.vectors.store import DimensionsDiffer, Vectors

log = structlog.get_logger(__name__)

# So many are found by each way; what was said right before and after the best of them is looked at, too.
FOUND_BY_MEANING, FOUND_BY_WORDS, WITH_NEIGHBOURS = 250, 100, 50
# Scores are told with so many decimal places: more would only show how the machine counts.
PLACES = 5
# Of a memory of so many pieces, all are looked at.
SMALL = 200


@dataclass(frozen=True, slots=True)
class Meaning:
    """A question's vectors, and the index they can be compared in."""

    index: OpenIndex
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Search:
    """A question with everything that might answer it, ready to be scored."""

    question: Question
    rows: Sequence[Record]
    candidates: Candidates


class Retrieval:
    """Searches a person's or a group's memory."""

    def __init__(self, db: Database, indexes: VectorIndexes) -> None:
        self._db = db
        self._indexes = indexes

    async def search(
        self,
        asked: str,
        *,
        scopes: Sequence[UUID],
        now: datetime,
        limit: int,
        not_in: tuple[UUID, int] | None = None,
    ) -> Found:
        """At most `limit` passages from the scopes, one per message.

        What stands in the window is left out: `not_in` is a session and the first position of it that is shown. `now`
        knows its time zone. By words alone where there is no embedder, or when it or the store does not answer. Raises
        `StorageUnavailable`.
        """
        search = await self.gather(asked, scopes=scopes, now=now, not_in=not_in)
        scored = score(search.question, search.candidates)
        passages = [_passage(search.rows[place], scored, place) for place in scored.order[:limit].tolist()]
        return Found(passages, scored.strength, "meaning and words" if len(search.candidates.cosine) else "words")

    async def gather(
        self, asked: str, *, scopes: Sequence[UUID], now: datetime, not_in: tuple[UUID, int] | None = None
    ) -> Search:
        """Everything that might answer, unscored; otherwise as `search`."""
        known = await know(self._db, scopes)
        question = read_question(asked, speakers=known.speakers, asked_at=now)
        words, meaning = await asyncio.gather(
            find_words(self._db, question.text, known.language, scopes), self._embed(question, known)
        )
        rows = await self._load(known, words, meaning, not_in)
        ids = np.array([row["id"] for row in rows], np.int64)
        times, cosine = await asyncio.gather(
            count_words(self._db, words, scopes, ids), self._compare(meaning, ids.tolist())
        )
        return Search(question, rows, as_candidates(rows, known, words, times, cosine))

    async def _embed(self, question: Question, known: Known) -> Meaning | None:
        """None if nothing can be found by meaning now."""
        try:
            one = await self._indexes.active()
            if not one or not known.pieces or not question.text:
                return None
            return Meaning(one, await self._indexes.embedder(one.index).embed_questions(question.texts))
        except Unavailable as problem:
            _say_by_words(problem)
            return None

    async def _load(
        self, known: Known, words: Words, meaning: Meaning | None, not_in: tuple[UUID, int] | None
    ) -> Sequence[Record]:
        """What might answer; of a small memory, that is all of it."""
        if known.pieces <= SMALL:
            return await load_all(self._db, known, not_in)
        by_words = words.best(FOUND_BY_WORDS, documents=known.pieces, mean_length=known.mean_length)
        by_meaning = await self._nearest(meaning, known)
        near = np.union1d(by_words[:WITH_NEIGHBOURS], by_meaning[:WITH_NEIGHBOURS])
        return await load(self._db, known, np.union1d(by_words, by_meaning), near, not_in)

    async def _nearest(self, meaning: Meaning | None, known: Known) -> Integers:
        """The embeddings that are nearest to the whole question, nearest first."""
        nearest: Sequence[tuple[int, float]] = ()
        if meaning:
            try:
                store, index = meaning.index.store, meaning.index.index
                [nearest] = await store.search(index, meaning.vectors[:1], known.scopes, FOUND_BY_MEANING)
            except (Unavailable, DimensionsDiffer) as problem:
                _say_by_words(problem)
        return np.array([id for id, _ in nearest], np.int64)

    async def _compare(self, meaning: Meaning | None, ids: Sequence[int]) -> Floats:
        """How near each of the candidates is to each of the question's vectors; no rows where that is unknown."""
        if meaning:
            try:
                return await meaning.index.store.scores(meaning.index.index, meaning.vectors, ids)
            except (Unavailable, DimensionsDiffer) as problem:
                _say_by_words(problem)
        return np.empty((0, len(ids)), np.float32)


def _say_by_words(problem: Exception) -> None:
    log.warning("searched_by_words_only", problem=type(problem).__name__, reason=str(problem))


def _passage(row: Record, scored: Scored, place: int) -> Passage:
    return Passage(
        embedding_id=row["id"],
        message_id=row["message_id"],
        document_id=row["document_id"],
        session_id=row["session_id"],
        role=row["role"],
        speaker=row["speaker"],
        content=row["content"],
        said_at=row["created_at"],
        score=round(float(scored.scores[place]), PLACES),
        why={name: round(float(part[place]), PLACES) for name, part in scored.parts.items() if part[place]},
    )
