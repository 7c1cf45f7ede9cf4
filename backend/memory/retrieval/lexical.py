"""What contains a question's words, ranked by BM25 over exact counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from backend.database import Database
from backend.memory.columns import Floats, Integers, floats, integers, places

# Questions are read up to so many characters, and answered by their rarest words.
LONGEST_QUESTION, MOST_WORDS = 4_000, 64
# The rarest words find, as long as all that contains them is no more than this; the others only tell the found apart.
MOST_FOUND = 20_000
# More often than this no word is counted in a piece.
TIMES = 256
# The usual constants of BM25 (Robertson and Zaragoza, 2009).
SATURATION, LENGTH_WEIGHT = 1.2, 0.75

# In how many embeddings of the scopes each word of a question occurs; and for the rarest that do, in which. `offset 0`
# keeps Postgres from reading all of `words` instead, which it would do while it has no statistics.
FIND = """
select word, documents_with, found.ids, found.times, found.lengths
from (
    select word, keys, documents_with, sum(documents_with) over rarest as together, row_number() over rarest as place
    from (
        select word, array_agg(key) as keys, sum(documents_with) as documents_with
        from words_of($1, $2) cross join unnest($3::uuid[]) scope cross join word_key(word, scope) key
        cross join lateral (select count(*) as documents_with from words where words.key = key.key) counted
        group by word
    ) counted
    window rarest as (order by documents_with = 0, documents_with, word)
) ranked
left join lateral (
    select string_agg(int8send(embedding_id), '') as ids, string_agg(int2send(times), '') as times,
        string_agg(int2send(length), '') as lengths
    from unnest(keys) wanted cross join lateral (select * from words where key = wanted offset 0) posting
) found on documents_with > 0 and (together <= $4 or place = 1)
where place <= $5
order by place
"""


def each_word(*, question: str, language: str, scopes: str, most: str) -> str:
    """SQL of a row for each word of a question, as in `FIND`, with everything it occurs in: for a small memory.

    `found` are the ids of embeddings, times `TIMES`, plus how often they contain the word: see `index_words`.
    """
    return f"""
        select word, count(embedding_id) as documents_with,
            string_agg(int8send(embedding_id * {TIMES} + posting.times), '') as found
        from words_of({question}, {language}) cross join unnest({scopes}::uuid[]) scope
        left join lateral (
            select embedding_id, kept.times from words kept where key = word_key(word, scope) offset 0
        ) posting on true
        group by word order by count(embedding_id) = 0, count(embedding_id), word limit {most}
    """


COUNT = """
select word.place - 1 as place, posting.embedding_id, posting.times
from unnest($1::text[]) with ordinality word (word, place) cross join unnest($2::uuid[]) scope
cross join lateral (
    select embedding_id, times from words where key = word_key(word.word, scope) and embedding_id = any($3) offset 0
) posting
"""


@dataclass(frozen=True, slots=True)
class Postings:
    """Which embeddings contain a word, how often, and how many words these have."""

    ids: Integers
    times: Floats
    lengths: Floats


@dataclass(frozen=True, slots=True)
class Words:
    """A question's words, rarest first, then those that do not occur at all; and the postings of the first of them."""

    words: Sequence[str]
    documents_with: Floats
    postings: Sequence[Postings]

    def best(self, limit: int, *, documents: int, mean_length: float) -> Integers:
        """The embeddings that match best by these words, best first: exact unless there are more than `MOST_FOUND`."""
        if not self.postings:
            return np.empty(0, np.int64)
        rarity = np.log1p((documents - self.documents_with + 0.5) / (self.documents_with + 0.5))
        weights = [
            rarity[place] * found.times * (1 + SATURATION)
            / (found.times + SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * found.lengths / mean_length))
            for place, found in enumerate(self.postings)
        ]  # fmt: skip
        ids, where = np.unique(np.concatenate([found.ids for found in self.postings]), return_inverse=True)
        scores = np.bincount(where, np.concatenate(weights))
        return ids[np.argsort(-scores, kind="stable")[:limit]]


async def find_words(db: Database, question: str, language: str, scopes: Sequence[UUID]) -> Words:
    """Where the words of a question occur; `language` is its code, for texts whose letters do not tell."""
    rows = await db.run(FIND, question[:LONGEST_QUESTION], language, scopes, MOST_FOUND, MOST_WORDS)
    return Words(
        words=[row["word"] for row in rows],
        documents_with=np.array([row["documents_with"] for row in rows], np.float32),
        postings=[
            Postings(integers(row["ids"]), floats(row["times"], ">i2"), floats(row["lengths"], ">i2"))
            for row in rows
            if row["ids"] is not None
        ],
    )


async def count_words(db: Database, words: Words, scopes: Sequence[UUID], ids: Integers) -> Floats:
    """How often each word occurs in each of the embeddings: [words, ids]. `ids` ascend."""
    times = np.zeros((len(words.words), len(ids)), np.float32)
    for place, found in enumerate(words.postings):
        there, known = places(ids, found.ids)
        times[place, there[known]] = found.times[known]
    said = int(np.count_nonzero(words.documents_with))
    if common := words.words[len(words.postings) : said]:
        rows = await db.run(COUNT, common, scopes, ids.tolist())
        for row in rows:
            times[len(words.postings) + row["place"], np.searchsorted(ids, row["embedding_id"])] = row["times"]
    return times
