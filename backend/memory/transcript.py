"""The messages of a session, in order, and how far its summary reaches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backend.database import Database, Record
from backend.errors import NotFound


class SessionNotFound(NotFound):
    """No such session."""


@dataclass(frozen=True, slots=True)
class Line:
    """A message as the window needs it."""

    role: str
    content: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that must not get lost; `kind` is a word such as name, date, decision, question."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The past of a session up to `last_position`, folded; `tokens` is what it takes in a window."""

    version: int
    story: str
    facts: tuple[Fact, ...]
    last_position: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Past:
    """What was said before a message: the latest summary, and every message since, with its place in the session."""

    summary: Summary | None
    lines: Sequence[Line]
    positions: Sequence[int] = ()


def past_of(session: str, *, before: str, limit: str) -> str:
    """SQL of one row, read by `as_past`: the past of `session` before a position.

    The newest `limit` messages are read at most: what is older would not fit into a window anyway. They come the
    newest first, as the index has them, so that nothing has to be sorted.
    """
    return f"""
        select summary.version, summary.content as story, summary.facts, summary.last_position as summary_position,
            summary.tokens as summary_tokens, said.roles, said.contents, said.tokens, said.positions
        from (select) nothing
        left join lateral (
            select version, content, facts, last_position, tokens from conversation_summaries
            where session_id = {session} order by version desc limit 1
        ) summary on true
        cross join lateral (
            select array_agg(role order by position desc) as roles,
                array_agg(content order by position desc) as contents,
                array_agg(tokens order by position desc) as tokens,
                array_agg(position order by position desc) as positions
            from (
                select position, role, content, tokens from messages
                where session_id = {session} and position < {before}
                    and position > coalesce(summary.last_position, 0)
                order by position desc limit {limit}
            ) newest
        ) said
    """


READ_PAST = past_of("$1::uuid", before="$2::bigint", limit="$3::int")


async def read_past(db: Database, session_id: UUID, *, before: int, limit: int) -> Past:
    """What was said in a session before a position."""
    return as_past((await db.run(READ_PAST, session_id, before, limit))[0])


def as_past(row: Record) -> Past:
    lines = zip(row["roles"] or (), row["contents"] or (), row["tokens"] or (), strict=True)
    return Past(as_summary(row), [Line(*line) for line in lines][::-1], (row["positions"] or [])[::-1])


def as_summary(row: Record) -> Summary | None:
    if row["version"] is None:
        return None
    facts = as_facts(row["facts"])
    return Summary(row["version"], row["story"], facts, row["summary_position"], row["summary_tokens"])


def as_facts(rows: Sequence[Any]) -> tuple[Fact, ...]:
    """The facts of a summary's row; operators may have edited them, so anything that is none is left out."""
    return tuple(
        Fact(str(row.get("kind", "fact")), str(row["text"])) for row in rows if isinstance(row, dict) and "text" in row
    )
