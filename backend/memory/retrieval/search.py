"""Finds what was said about a question: by meaning and by words, ranked by one function that sees both."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
import structlog

from backend.database import Database
from backend.errors import Unavailable
from backend.memory.columns import Floats, Integers
from backend.memory.indexing.vector_indexes import OpenIndex, VectorIndexes
from backend.memory.retrieval.candidates import Candidates
from backend.memory.retrieval.knowing import Known, know
from backend.memory.retrieval.lexical import count_words, find_words
from backend.memory.retrieval.loading import Pieces, as_candidates, load, load_all
from backend.memory.retrieval.passages import Found, Passage
from backend.memory.retrieval.question import Question, read_question
from backend.memory.retrieval.scoring import Scored, score
from backend.memory.vectors.pgvector import PgVector
from backend.memory.vectors.store import DimensionsDiffer, VectorIndex, Vectors

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
    pieces: Pieces
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
        known: Known | None = None,
    ) -> Found:
        """At most `limit` passages from the scopes, one per message.

        What stands in the window is left out: `not_in` is a session and the first position of it that is shown. `now`
        knows its time zone. What is `known` of the memory need not be looked up. By words alone where there is no
        embedder, or when it or the store does not answer. Raises `StorageUnavailable`.
        """
        search = await self.gather(asked, scopes=scopes, now=now, not_in=not_in, known=known)
        scored = score(search.question, search.candidates)
        passages = _passages(search.pieces, scored, scored.order[:limit])
        return Found(passages, scored.strength, "meaning and words" if len(search.candidates.cosine) else "words")

    async def gather(
        self,
        asked: str,
        *,
        scopes: Sequence[UUID],
        now: datetime,
        not_in: tuple[UUID, int] | None = None,
        known: Known | None = None,
    ) -> Search:
        """Everything that might answer, unscored; otherwise as `search`."""
        known = known or await know(self._db, scopes)
        question = read_question(asked, speakers=known.speakers, asked_at=now)
        read = self._read_all if known.pieces <= SMALL else self._find
        pieces, candidates = await read(question, known, not_in)
        return Search(question, pieces, candidates)

    async def _read_all(
        self, question: Question, known: Known, not_in: tuple[UUID, int] | None
    ) -> tuple[Pieces, Candidates]:
        """Of a small memory, all of it might answer."""
        meaning = await self._embed(question, known)
        compared = _comparable(meaning)
        whole = await load_all(self._db, known, question.text, compared, not_in)
        cosine = whole.cosine if compared else await self._compare(meaning, whole.pieces.ids.tolist())
        return whole.pieces, as_candidates(whole.pieces, known, whole.documents_with, whole.times, cosine)

    async def _find(
        self, question: Question, known: Known, not_in: tuple[UUID, int] | None
    ) -> tuple[Pieces, Candidates]:
        words, meaning = await asyncio.gather(
            find_words(self._db, question.text, known.language, known.scopes), self._embed(question, known)
        )
        by_words = words.best(FOUND_BY_WORDS, documents=known.pieces, mean_length=known.mean_length)
        by_meaning = await self._nearest(meaning, known)
        near = np.union1d(by_words[:WITH_NEIGHBOURS], by_meaning[:WITH_NEIGHBOURS])
        pieces = await load(self._db, known, np.union1d(by_words, by_meaning), near, not_in)
        times, cosine = await asyncio.gather(
            count_words(self._db, words, known.scopes, pieces.ids), self._compare(meaning, pieces.ids.tolist())
        )
        return pieces, as_candidates(pieces, known, words.documents_with, times, cosine)

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


def _comparable(meaning: Meaning | None) -> tuple[VectorIndex, Vectors] | None:
    """What can be compared where the pieces are: vectors in Postgres, of the right length."""
    if not meaning or meaning.index.index.store != PgVector.name:
        return None
    try:
        meaning.index.index.check(meaning.vectors)
    except DimensionsDiffer:
        return None
    return meaning.index.index, meaning.vectors


def _passages(pieces: Pieces, scored: Scored, best: Integers) -> list[Passage]:
    parts = np.array([part[best] for part in scored.parts.values()], np.float64).round(PLACES)
    return [
        _passage(pieces, place, scored, {name: part for name, part in zip(scored.parts, told, strict=True) if part})
        for place, told in zip(best.tolist(), parts.T.tolist(), strict=True)
    ]


def _passage(pieces: Pieces, place: int, scored: Scored, why: Mapping[str, float]) -> Passage:
    message, owner = int(pieces.messages[place]), pieces.owner(place)
    return Passage(
        embedding_id=int(pieces.ids[place]),
        message_id=message if message > 0 else None,
        document_id=None if message > 0 else owner,
        session_id=owner if message > 0 else None,
        role=pieces.roles[place],
        speaker=pieces.speakers[place],
        content=pieces.contents[place],
        said_at=pieces.moment(place),
        score=round(float(scored.scores[place]), PLACES),
        why=why,
    )
