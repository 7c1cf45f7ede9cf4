"""Reads what a search needs from Postgres, and only what is in the memory that is asked.

Whatever is read comes as columns in one row: a row for each piece would cost more than all that is done with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from backend.database import Database, Record
from backend.memory.columns import Floats, Integers, floats, integers, places
from backend.memory.retrieval.candidates import Candidates, Scope
from backend.memory.retrieval.knowing import Known
from backend.memory.retrieval.lexical import LONGEST_QUESTION, MOST_WORDS, TIMES, each_word
from backend.memory.vectors.pgvector import as_texts, compared_to, read_cosines
from backend.memory.vectors.store import VectorIndex, Vectors

# Postgres counts microseconds from here on.
EPOCH, MICROSECONDS_PER_DAY = datetime(2000, 1, 1, tzinfo=UTC), 86_400_000_000

# Whose an embedding is, is looked up once more: Postgres makes the scope of a session or document of its own columns.
# `offset 0`: each row is found by its id, even while Postgres has no statistics. What belongs to no session is older
# than all, and its pieces stand for themselves. What stands in the window, from position $2 of session $1 on, is not
# shown.
SESSIONS = """
session as materialized (
    select id, row_number() over (order by created_at, id) - 1 as number from chat_sessions where scope = any($3)
)
"""
OWNED = """
left join session on session.id = said.session_id
left join lateral (select position from messages where id = said.message_id offset 0) message on true
left join lateral (select scope from documents where id = said.document_id offset 0) document on true
"""
SEEN = """
said.id, said.session_id, document_id, coalesce(message_id, -said.id) as message, said.piece, said.role, said.speaker,
said.content, said.created_at, importance, length, coalesce(number, -1) as number, coalesce(position, 0) as position,
coalesce((session.id is not null or document.scope = any($3))
    and ($1::uuid is null or said.session_id is distinct from $1 or position < $2), false) as shown
"""
COLUMNS = """
string_agg(int8send(id), '') as ids, string_agg(int8send(message), '') as messages,
string_agg(int4send(piece), '') as pieces, string_agg(int8send(number), '') as sessions,
string_agg(int8send(position), '') as positions, string_agg(uuid_send(coalesce(session_id, document_id)), '') as owners,
string_agg(timestamptz_send(created_at), '') as said_at, string_agg(float8send(importance), '') as importance,
string_agg(int4send(coalesce(length, 0)), '') as lengths, string_agg(boolsend(shown), '') as shown,
array_agg(role) as roles, array_agg(case when shown then speaker end) as speakers,
array_agg(case when shown then content end) as contents,
(select coalesce(max(number), 0) from session) as last_session
"""
# Within a scope, what was said next was stored next, or as good as that.
LOAD = f"""
with {SESSIONS}, near as (
    select id,
        (select max(id) from embeddings other where other.scope = known.scope and other.id < known.id) as before,
        (select min(id) from embeddings other where other.scope = known.scope and other.id > known.id) as after
    from embeddings known where id = any($5) and scope = any($3)
), wanted as (
    select id, max(before) as before from (
        select id, before from near
        union all select before, null from near
        union all select after, id from near
        union all select unnest($4::bigint[]), null
    ) found
    where id is not null group by id
), seen as (
    select {SEEN}, coalesce(before, 0) as before
    from wanted cross join lateral (
        select * from embeddings where id = wanted.id and scope = any($3) offset 0
    ) said {OWNED}
    order by said.id
)
select {COLUMNS}, string_agg(int8send(before), '') as before from seen where shown
"""
# In the order of the index by scope: what was said right before stands right before.
LOAD_ALL = f"""
with {SESSIONS}, seen as materialized (
    select {SEEN} from embeddings said {OWNED}
    where said.scope = any($3) and length is not null order by said.scope, said.id
), asked as ({each_word(question="$4", language="$5", scopes="$3", most="$6")})
select pieces.*, counted.*, compared.*
from (select {COLUMNS} from seen) pieces cross join (
    select string_agg(int8send(documents_with), '') as documents_with, string_agg(found, '') as found from asked
) counted cross join (
    {compared_to(index="$7::int", vectors="$8", ids="array(select id from seen where shown)")}
) compared
"""


@dataclass(frozen=True, slots=True)
class Pieces:
    """What was read of pieces, as columns, in the order of their ids; see `Candidates`."""

    ids: Integers
    messages: Integers  # the id of the piece, below zero, for what is of no message
    pieces: Integers
    sessions: Integers
    positions: Integers
    owners: npt.NDArray[np.void]  # ids of sessions or documents
    said_at: Integers  # in microseconds since `EPOCH`
    importance: Floats
    lengths: Floats
    previous: Integers
    roles: Sequence[str]
    speakers: Sequence[str]
    contents: Sequence[str]
    last_session: int

    def owner(self, place: int) -> UUID:
        """The session, or the document, which a piece is of."""
        return UUID(bytes=self.owners[place].tobytes())

    def moment(self, place: int) -> datetime:
        return EPOCH + timedelta(microseconds=int(self.said_at[place]))

    @property
    def following(self) -> Integers:
        after = np.full(len(self.ids), -1)
        (beside,) = np.nonzero(self.previous >= 0)
        after[self.previous[beside]] = beside
        return after


@dataclass(frozen=True, slots=True)
class Whole:
    """All of a small memory, how often each word of a question occurs in it, and how near it is, if that was asked."""

    pieces: Pieces
    documents_with: Floats
    times: Floats
    cosine: Vectors


async def load(db: Database, known: Known, ids: Integers, near: Integers, not_in: tuple[UUID, int] | None) -> Pieces:
    """These embeddings, and those right before and after `near`, as far as they belong to the memory."""
    [row] = await db.run(LOAD, *(not_in or (None, None)), known.scopes, ids.tolist(), near.tolist())
    found, before = integers(row["ids"]), integers(row["before"])
    owners = np.frombuffer(row["owners"] or b"", "V16")
    place, there = places(found, before)
    there &= owners[place] == owners
    return _pieces(row, np.where(there, place, -1), slice(None))


async def load_all(
    db: Database,
    known: Known,
    question: str,
    compared: tuple[VectorIndex, Vectors] | None,
    not_in: tuple[UUID, int] | None,
) -> Whole:
    """All that has been indexed of a memory, compared with vectors if they are kept in Postgres."""
    index, vectors = (compared[0].id, compared[1]) if compared else (None, np.empty((0, 0), np.float32))
    [row] = await db.run(
        LOAD_ALL, *(not_in or (None, None)), known.scopes, question[:LONGEST_QUESTION], known.language, MOST_WORDS,
        index, as_texts(vectors),
    )  # fmt: skip
    pieces = _in_order(row)
    documents_with = integers(row["documents_with"])
    times = np.zeros((len(documents_with), len(pieces.ids)), np.float32)
    ids, counted = np.divmod(integers(row["found"]), TIMES)
    column, there = places(pieces.ids, ids)
    word = np.repeat(np.arange(len(documents_with)), documents_with)
    times[word[there], column[there]] = counted[there]
    cosine = read_cosines(row, len(vectors), pieces.ids)
    return Whole(pieces, documents_with.astype(np.float32), times, cosine)


def _in_order(row: Record) -> Pieces:
    """The pieces that are shown, from a row that has all of a memory, scope by scope."""
    owners = np.frombuffer(row["owners"] or b"", "V16")
    shown = np.flatnonzero(np.frombuffer(row["shown"] or b"", np.bool_))
    kept = shown[np.argsort(integers(row["ids"])[shown])]
    where = np.full(len(owners) + 1, -1)
    where[kept] = np.arange(len(kept))
    before = np.where(kept > 0, kept - 1, len(owners))
    same = kept > 0
    same[same] = owners[kept[same] - 1] == owners[kept[same]]
    return _pieces(row, np.where(same, where[before], -1), kept)


def _pieces(row: Record, previous: Integers, kept: Any) -> Pieces:
    return Pieces(
        ids=integers(row["ids"])[kept],
        messages=integers(row["messages"])[kept],
        pieces=integers(row["pieces"], 4)[kept],
        sessions=integers(row["sessions"])[kept],
        positions=integers(row["positions"])[kept],
        owners=np.frombuffer(row["owners"] or b"", "V16")[kept],
        said_at=integers(row["said_at"])[kept],
        importance=floats(row["importance"])[kept],
        lengths=floats(row["lengths"], ">i4")[kept],
        previous=previous,
        roles=_texts(row["roles"], kept),
        speakers=_texts(row["speakers"], kept),
        contents=_texts(row["contents"], kept),
        last_session=row["last_session"],
    )


def _texts(texts: Sequence[str] | None, kept: Any) -> Sequence[str]:
    if isinstance(kept, slice):
        return texts or []
    return [texts[place] for place in kept.tolist()] if texts else []


def as_candidates(pieces: Pieces, known: Known, documents_with: Floats, times: Floats, cosine: Floats) -> Candidates:
    """`times` and `cosine` have a column for each piece."""
    return Candidates(
        ids=pieces.ids,
        messages=pieces.messages,
        pieces=pieces.pieces,
        sessions=pieces.sessions,
        positions=pieces.positions,
        previous=pieces.previous,
        following=pieces.following,
        roles=pieces.roles,
        speakers=pieces.speakers,
        contents=pieces.contents,
        days=pieces.said_at // MICROSECONDS_PER_DAY + EPOCH.toordinal(),
        importance=pieces.importance,
        cosine=cosine,
        frequency=times,
        lengths=pieces.lengths,
        scope=Scope(
            documents=known.pieces,
            mean_length=known.mean_length,
            documents_with=documents_with,
            last_session=pieces.last_session,
        ),
    )
