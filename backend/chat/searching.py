"""What an operator looks for: sessions by whose they are, and messages by what is in them."""

from datetime import datetime
from uuid import UUID

from backend.database import Database, Page, as_page

# Of a message, so much is shown in a list.
SHOWN = 240

SESSIONS = f"""
select session.id, session.user_id, session.chat_id, session.thread_id, session.chat_type, session.is_active,
    session.created_at, bot.slug as bot, bot.name as bot_name, last.content as last_words, last.created_at as last_at,
    last.role as last_role
from chat_sessions session join bots bot on bot.id = session.bot_id
left join lateral (
    select left(content, {SHOWN}) as content, created_at, role from messages
    where session_id = session.id order by position desc limit 1
) last on true
where ($1::text is null or bot.slug = $1) and ($2::text is null or session.user_id = $2 or session.chat_id = $2)
    and (session.created_at, session.id) < (
        coalesce($3::timestamptz, 'infinity'), coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    )
order by session.created_at desc, session.id desc limit $5
"""
# From the newest message back until there are enough: what nobody has said is looked for in all of them. Of a long
# message, what stands around the first place.
MESSAGES = f"""
select message.id, message.session_id, message.role, message.speaker, message.created_at, message.position,
    substr(message.content, greatest(1, strpos(lower(message.content), lower($1)) - 80), {SHOWN}) as content,
    session.user_id, bot.name as bot_name
from messages message join chat_sessions session on session.id = message.session_id
join bots bot on bot.id = session.bot_id
where message.id < coalesce($3::bigint, {2**63 - 1}) and strpos(lower(message.content), lower($1)) > 0
    and ($2::text is null or bot.slug = $2)
order by message.id desc limit $4
"""


async def find_sessions(
    db: Database, bot: str | None, whose: str | None, *, after: tuple[datetime, UUID] | None, limit: int
) -> Page:
    """Newest first, with what was said last; of a bot, and of the person or in the chat with the id `whose`."""
    return as_page(await db.run(SESSIONS, bot, whose, *(after or (None, None)), limit + 1), limit)


async def find_messages(db: Database, words: str, bot: str | None, *, before: int | None, limit: int) -> Page:
    """Messages that hold these words as they stand, in any case of letters; the newest first."""
    return as_page(await db.run(MESSAGES, words, bot, before, limit + 1), limit)
