"""Sessions as people look at them: lists by cursor, newest first, their closing, and how that is undone."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog

from backend.database import Database, Page, Record, Transaction, as_page
from backend.errors import Conflict, Invalid
from backend.memory.transcript import SessionNotFound

log = structlog.get_logger(__name__)

# So long, in seconds, a reset can be undone: the half minute that people are offered, and a little for the way.
UNDO_SECONDS = 35


class ResetAmbiguous(Invalid):
    """Several people talk in this chat: name a user_id as well."""


class SessionMovedOn(Conflict):
    """The session cannot be reopened: that was too long ago, or the person has begun another one."""


# Without a cursor, the place before all rows is filled in, so that an index finds the beginning of every part.
LIST = """
select session.*, bot.slug as bot from chat_sessions session join bots bot on bot.id = session.bot_id
where ($1::text is null or bot.slug = $1) and ($2::text is null or session.chat_id = $2)
    and ($3::text is null or session.user_id = $3) and ($4::bool is null or session.is_active = $4)
    and ($5::text is null or session.thread_id = $5)
    and (session.created_at, session.id) < (
        coalesce($6::timestamptz, 'infinity'), coalesce($7::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    )
order by session.created_at desc, session.id desc limit $8
"""

GET = """
select session.*, bot.slug as bot, bot.persona from chat_sessions session join bots bot on bot.id = session.bot_id
where session.id = $1
"""

MESSAGES = """
select id, turn_id, run_id, position, role, content, tokens, model, created_at from messages
where session_id = $1 and position < coalesce($2::bigint, 9223372036854775807) order by position desc limit $3
"""

SUMMARIES = """
select id, version, content, facts, last_message_id, last_position, tokens, model, created_at
from conversation_summaries where session_id = $1 and version < coalesce($2::bigint, 9223372036854775807)
order by version desc limit $3
"""

CLOSED = f"""
    is_active = false, closed_at = now(),
    forget_at = case when {{forget}} then now() + interval '{UNDO_SECONDS} seconds' end
"""

RESET_SESSION = f"""
update chat_sessions set {CLOSED.format(forget="$2")} where id = $1 and is_active returning id
"""

# A person has one active session with a bot in a chat: so many sessions, so many people.
RESET_CHAT = f"""
with meant as (
    select session.id from chat_sessions session join bots bot on bot.id = session.bot_id
    where is_active and bot.slug = $1 and chat_id = $2 and thread_id = $3 and user_id = coalesce($4, user_id)
), closed as (
    update chat_sessions set {CLOSED.format(forget="$5")}
    where id in (select id from meant) and is_active and (select count(*) from meant) = 1 returning id
)
select (select count(*) from meant) as people, array(select id from closed) as closed
"""

LOCK = f"""
select *, closed_at > now() - interval '{UNDO_SECONDS} seconds' as recent from chat_sessions where id = $1 for update
"""

NEWER = """
select id, exists (select from messages where session_id = chat_sessions.id) as said from chat_sessions
where bot_id = $1 and chat_id = $2 and user_id = $3 and thread_id = $4 and is_active for update
"""

CLOSE = "update chat_sessions set is_active = false, closed_at = now() where id = $1"

REOPEN = "update chat_sessions set is_active = true, closed_at = null, forget_at = null where id = $1"

# One at a time: much may have been said in it. What is still being answered is waited for.
FORGET_DUE = """
delete from chat_sessions where id = (
    select id from chat_sessions where forget_at < now() and not exists (
        select from turns where session_id = chat_sessions.id and status in ('waiting', 'open')
    )
    order by forget_at limit 1 for update skip locked
)
returning id
"""

STATS = """
select created_at as since, (select count(*) from messages where session_id = $1) as messages,
    (select count(*) from conversation_summaries where session_id = $1) as summaries, spent.*
from chat_sessions cross join lateral (
    select coalesce(sum(tokens_in), 0) as tokens_in, coalesce(sum(tokens_out), 0) as tokens_out,
        sum(cost)::float8 as cost
    from llm_calls where session_id = $1
) spent
where id = $1
"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which sessions are wanted; None means any."""

    bot: str | None = None
    chat_id: str | None = None
    user_id: str | None = None
    is_active: bool | None = None
    thread_id: str | None = None


async def list_sessions(db: Database, wanted: Filter, *, after: tuple[datetime, UUID] | None, limit: int) -> Page:
    """Sessions that began before the moment and id `after`, with their bot's slug."""
    created_at, session_id = after or (None, None)
    rows = await db.run(
        LIST, wanted.bot, wanted.chat_id, wanted.user_id, wanted.is_active, wanted.thread_id, created_at, session_id,
        limit + 1,
    )  # fmt: skip
    return as_page(rows, limit)


async def get_session(db: Database, session_id: UUID) -> Record:
    """The session with its bot's slug and persona. Raises `SessionNotFound`."""
    for session in await db.run(GET, session_id):
        return session
    raise SessionNotFound


async def list_messages(db: Database, session_id: UUID, *, after: int | None, limit: int) -> Page:
    """Messages before the position `after`. Raises `SessionNotFound`."""
    return await _of_session(db, MESSAGES, session_id, after, limit)


async def list_summaries(db: Database, session_id: UUID, *, after: int | None, limit: int) -> Page:
    """Summaries before the version `after`. Raises `SessionNotFound`."""
    return await _of_session(db, SUMMARIES, session_id, after, limit)


async def read_stats(db: Database, session_id: UUID) -> Record:
    """How much was said in a session, and what that took; `cost` is in US dollars. Raises `SessionNotFound`."""
    for stats in await db.run(STATS, session_id):
        return stats
    raise SessionNotFound


async def reset_session(db: Database, session_id: UUID, *, forget: bool) -> list[UUID]:
    """Close a session, if it is active, to `forget` it soon if that is wanted; which were closed."""
    return [row["id"] for row in await db.run(RESET_SESSION, session_id, forget)]


async def reset_chat(
    db: Database, bot: str, chat_id: str, thread_id: str, user_id: str | None, *, forget: bool
) -> list[UUID]:
    """Close a person's session in a chat, as `reset_session`.

    Without a `user_id` only where it is clear who is meant. Raises `ResetAmbiguous`.
    """
    row = (await db.run(RESET_CHAT, bot, chat_id, thread_id, user_id, forget))[0]
    if row["people"] > 1:
        raise ResetAmbiguous
    return list(row["closed"])


async def reopen_session(db: Database, session_id: UUID) -> None:
    """Undo a reset. Raises `SessionNotFound`, or `SessionMovedOn` when it is too late."""
    try:
        async with db.begin() as tx:
            await _reopen(tx, session_id)
    except asyncpg.UniqueViolationError:  # the person has begun another one at this very moment
        raise SessionMovedOn from None


async def _reopen(tx: Transaction, session_id: UUID) -> None:
    session = await tx.fetchrow(LOCK, session_id)
    if session is None:
        raise SessionNotFound
    if session["is_active"]:
        return
    if not session["recent"]:
        raise SessionMovedOn
    for newer in await tx.fetch(NEWER, *(session[name] for name in ("bot_id", "chat_id", "user_id", "thread_id"))):
        if newer["said"]:
            raise SessionMovedOn
        await tx.execute(CLOSE, newer["id"])
    await tx.execute(REOPEN, session_id)


async def forget_due(db: Database) -> None:
    """Delete the sessions that were closed to be forgotten, and that nobody has reopened."""
    while rows := await db.run(FORGET_DUE):
        log.info("session_forgotten", session_id=str(rows[0]["id"]))


async def _of_session(db: Database, statement: str, session_id: UUID, after: int | None, limit: int) -> Page:
    rows = await db.run(statement, session_id, after, limit + 1)
    if not rows:
        await get_session(db, session_id)
    return as_page(rows, limit)
