"""Sessions as people look at them: lists by cursor, newest first, and their closing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backend.database import Database, Page, Record, as_page
from backend.errors import Invalid
from backend.memory.transcript import SessionNotFound


class ResetAmbiguous(Invalid):
    """Several people talk in this chat: name a user_id as well."""


# Without a cursor, the place before all rows is filled in, so that an index finds the beginning of every part.
LIST = """
select session.*, bot.slug as bot from chat_sessions session join bots bot on bot.id = session.bot_id
where ($1::text is null or bot.slug = $1) and ($2::text is null or session.chat_id = $2)
    and ($3::text is null or session.user_id = $3) and ($4::bool is null or session.is_active = $4)
    and (session.created_at, session.id) < (
        coalesce($5::timestamptz, 'infinity'), coalesce($6::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    )
order by session.created_at desc, session.id desc limit $7
"""

GET = """
select session.*, bot.slug as bot, bot.persona from chat_sessions session join bots bot on bot.id = session.bot_id
where session.id = $1
"""

MESSAGES = """
select id, turn_id, position, role, content, tokens, model, created_at from messages
where session_id = $1 and position < coalesce($2::bigint, 9223372036854775807) order by position desc limit $3
"""

SUMMARIES = """
select id, version, content, facts, last_message_id, last_position, tokens, model, created_at
from conversation_summaries where session_id = $1 and version < coalesce($2::bigint, 9223372036854775807)
order by version desc limit $3
"""

RESET_SESSION = "update chat_sessions set is_active = false, closed_at = now() where id = $1 and is_active returning id"

# A person has one active session with a bot in a chat: so many sessions, so many people.
RESET_CHAT = """
with meant as (
    select session.id from chat_sessions session join bots bot on bot.id = session.bot_id
    where is_active and bot.slug = $1 and chat_id = $2 and thread_id = $3 and user_id = coalesce($4, user_id)
), closed as (
    update chat_sessions set is_active = false, closed_at = now()
    where id in (select id from meant) and is_active and (select count(*) from meant) = 1 returning id
)
select (select count(*) from meant) as people, (select count(*) from closed) as closed
"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which sessions are wanted; None means any."""

    bot: str | None = None
    chat_id: str | None = None
    user_id: str | None = None
    is_active: bool | None = None


async def list_sessions(db: Database, wanted: Filter, *, after: tuple[datetime, UUID] | None, limit: int) -> Page:
    """Sessions that began before the moment and id `after`, with their bot's slug."""
    created_at, session_id = after or (None, None)
    rows = await db.run(
        LIST, wanted.bot, wanted.chat_id, wanted.user_id, wanted.is_active, created_at, session_id, limit + 1
    )
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


async def reset_session(db: Database, session_id: UUID) -> int:
    """Close a session; how many were closed."""
    return len(await db.run(RESET_SESSION, session_id))


async def reset_chat(db: Database, bot: str, chat_id: str, thread_id: str, user_id: str | None) -> int:
    """Close a person's session in a chat; how many were closed.

    Without a `user_id` only where it is clear who is meant. Raises `ResetAmbiguous`.
    """
    row = (await db.run(RESET_CHAT, bot, chat_id, thread_id, user_id))[0]
    if row["people"] > 1:
        raise ResetAmbiguous
    return int(row["closed"])


async def _of_session(db: Database, statement: str, session_id: UUID, after: int | None, limit: int) -> Page:
    rows = await db.run(statement, session_id, after, limit + 1)
    if not rows:
        await get_session(db, session_id)
    return as_page(rows, limit)
