"""Reads what a search needs from Postgres, and only what is in the memory that is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from backend.database import Database, Record
from backend.memory.retrieval.candidates import Candidates, Floats, Integers, Scope
from backend.memory.retrieval.lexical import Words

KNOW = """
select known.*, coalesce((
    select language from chat_sessions where scope = any($1) order by created_at desc limit 1
), '') as language
from (
    select coalesce(sum(pieces), 0)::int as pieces, coalesce(sum(length), 0)::float8 as length, array(
        select distinct speaker from scopes cross join unnest(speakers) speaker where id = any($1)
    ) as speakers
    from scopes where id = any($1)
) known
"""

# Whose an embedding is, is looked up once more: Postgres makes the scope of a session or document of its own columns.
# Within a scope, what was said next was stored next, or as good as that. `offset 0`: each row is found by its id, even
# while Postgres has no statistics. What belongs to no session is older than all, and its pieces stand for themselves.
SESSIONS = """
session as materialized (
    select id, row_number() over (order by created_at, id) - 1 as number from chat_sessions where scope = any($3)
)
"""
SHOWN = """
select said.*, before, after, coalesce(number, -1) as number, coalesce(message_id, -said.id) as message,
    (select coalesce(max(number), 0) from session) as last_session
from wanted
cross join lateral (
    select embedding.id, message_id, document_id, embedding.session_id, piece, coalesce(position, 0) as position,
        embedding.role, embedding.speaker, embedding.content, embedding.created_at, importance, length,
        document.scope as document_scope
    from embeddings embedding
    left join messages message on message.id = message_id left join documents document on document.id = document_id
    where embedding.id = wanted.id and embedding.scope = any($3)
    offset 0
) said
left join session on session.id = said.session_id
where (session.id is not null or document_scope = any($3))
    and ($1::uuid is null or session_id is distinct from $1 or position < $2)
order by said.id
"""
LOAD = f"""
with {SESSIONS}, near as (
    select id,
        (select max(id) from embeddings other where other.scope = known.scope and other.id < known.id) as before,
        (select min(id) from embeddings other where other.scope = known.scope and other.id > known.id) as after
    from embeddings known where id = any($5) and scope = any($3)
), wanted as (
    select id, max(before) as before, max(after) as after from (
        select id, before, after from near
        union all select before, null, id from near
        union all select after, id, null from near
        union all select unnest($4::bigint[]), null, null
    ) found
    where id is not null group by id
)
{SHOWN}
"""
LOAD_ALL = f"""
with {SESSIONS}, wanted as (
    select id, lag(id) over next as before, lead(id) over next as after
    from embeddings where scope = any($3) and length is not null window next as (partition by scope order by id)
)
{SHOWN}
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a memory before it is searched; `language` is that of its newest session."""

    scopes: Sequence[UUID]
    pieces: int
    length: float
    speakers: Sequence[str]
    language: str

    @property
    def mean_length(self) -> float:
        return self.length / self.pieces if self.pieces else 0.0


async def know(db: Database, scopes: Sequence[UUID]) -> Known:
    [row] = await db.run(KNOW, scopes)
    return Known(scopes, **row)


async def load(
    db: Database, known: Known, ids: Integers, near: Integers, not_in: tuple[UUID, int] | None
) -> Sequence[Record]:
    """These embeddings, and those right before and after `near`, as far as they belong to the memory; ids ascend."""
    return await db.run(LOAD, *(not_in or (None, None)), known.scopes, ids.tolist(), near.tolist())


async def load_all(db: Database, known: Known, not_in: tuple[UUID, int] | None) -> Sequence[Record]:
    """All that has been indexed of a memory; ids ascend."""
    return await db.run(LOAD_ALL, *(not_in or (None, None)), known.scopes)


def as_candidates(rows: Sequence[Record], known: Known, words: Words, times: Floats, cosine: Floats) -> Candidates:
    """`times` and `cosine` have a column for each row."""
    return Candidates(
        ids=_integers(rows, "id"),
        messages=_integers(rows, "message"),
        pieces=_integers(rows, "piece"),
        sessions=_integers(rows, "number"),
        positions=_integers(rows, "position"),
        previous=_columns(rows, "before"),
        following=_columns(rows, "after"),
        roles=[row["role"] for row in rows],
        speakers=[row["speaker"] for row in rows],
        contents=[row["content"] for row in rows],
        said_at=[row["created_at"] for row in rows],
        importance=np.array([row["importance"] for row in rows], np.float32),
        cosine=cosine,
        frequency=times,
        lengths=np.array([row["length"] or 0 for row in rows], np.float32),
        scope=Scope(
            documents=known.pieces,
            mean_length=known.mean_length,
            documents_with=words.documents_with,
            last_session=rows[0]["last_session"] if rows else 0,
        ),
    )


def _integers(rows: Sequence[Record], name: str) -> Integers:
    return np.array([row[name] for row in rows], np.int64)


def _columns(rows: Sequence[Record], name: str) -> Integers:
    """Where the neighbours of rows stand among them; -1 for those of other sessions, and those that are not there."""
    place = {(row["id"], row["session_id"], row["document_id"]): column for column, row in enumerate(rows)}
    return np.array([place.get((row[name], row["session_id"], row["document_id"]), -1) for row in rows], np.int64)
