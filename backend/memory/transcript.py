"""The messages of a session, in order, and how far its summary reaches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backend.database import Database, Record
from backend.errors import NotFound
from backend.llm.tokens import count_tokens
from backend.memory.group import Remark, as_remarks, heard_in, spoken


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
    """What was said before a message: the latest summary, and every message since, with its place in the session.

    In a group there is also what was `heard` of others, the newest first.
    """

    summary: Summary | None
    lines: Sequence[Line]
    positions: Sequence[int] = ()
    heard: Sequence[Remark] | None = None


def past_in_group(session: str, *, scope: str, but: str, before: str, limit: str) -> str:
    """As `past_of`, with who said what, and what was said in the group's `scope` elsewhere than in the session `but`.

    `session` is null, as SQL, where there was none before.
    """
    past = past_of(session, before=before, limit=limit, speakers=True)
    return f"select * from ({past}) said cross join lateral ({heard_in(scope, but=but)}) heard"


def past_of(session: str, *, before: str, limit: str, speakers: bool = False) -> str:
    """SQL of one row, read by `as_past`: the past of `session` before a position.

    The newest `limit` messages are read at most: what is older would not fit into a window anyway. They come the
    newest first, as the index has them, so that nothing has to be sorted.
    """
    who, of_whom = ("array_agg(speaker order by position desc) as speakers,", "speaker,") if speakers else ("", "")
    return f"""
        select summary.version, summary.content as story, summary.facts, summary.last_position as summary_position,
            summary.tokens as summary_tokens, said.*
        from (select) nothing
        left join lateral (
            select version, content, facts, last_position, tokens from conversation_summaries
            where session_id = {session} order by version desc limit 1
        ) summary on true
        cross join lateral (
            select {who} array_agg(role order by position desc) as roles,
                array_agg(content order by position desc) as contents,
                array_agg(tokens order by position desc) as tokens,
                array_agg(position order by position desc) as positions
            from (
                select {of_whom} position, role, content, tokens from messages
                where session_id = {session} and position < {before}
                    and position > coalesce(summary.last_position, 0)
                order by position desc limit {limit}
            ) newest
        ) said
    """


READ_PAST = past_of("$1::uuid", before="$2::bigint", limit="$3::int")
READ_PAST_IN_GROUP = past_in_group(
    "$1::uuid",
    scope="(select scope from chat_sessions where id = $1)",
    but="$1",
    before="$2::bigint",
    limit="$3::int",
)


async def read_past(db: Database, session_id: UUID, *, before: int, limit: int, in_group: bool) -> Past:
    """What was said in a session before a position."""
    statement = READ_PAST_IN_GROUP if in_group else READ_PAST
    return as_past((await db.run(statement, session_id, before, limit))[0], in_group=in_group)


def as_past(row: Record, *, in_group: bool) -> Past:
    columns = zip(row["roles"] or (), row["contents"] or (), row["tokens"] or (), strict=True)
    lines, positions = [Line(*line) for line in columns][::-1], (row["positions"] or [])[::-1]
    if not in_group:
        return Past(as_summary(row), lines, positions)
    speakers = (row["speakers"] or [])[::-1]
    named = [said_by(speaker, line) for speaker, line in zip(speakers, lines, strict=True)]
    return Past(as_summary(row), named, positions, as_remarks(row))


def said_by(speaker: str, line: Line) -> Line:
    """A line of a group: what a person says stands behind the name."""
    if line.role != "user" or not speaker:
        return line
    named = spoken(speaker, line.content)
    return Line(line.role, named, line.tokens + count_tokens(named[: len(named) - len(line.content)]))


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
