"""What a person has allowed once and for all in a chat, for a day: listed, and revoked."""

from backend.agents.skills.skill import Context
from backend.database import Database, Page, as_page
from backend.errors import NotFound


class GrantNotFound(NotFound):
    """No such permission, or it is over."""


LIST = """
select allowed.id, bot.slug as bot, allowed.chat_id, allowed.thread_id, allowed.user_id, allowed.kind,
    allowed.expires_at, allowed.created_at
from grants allowed join bots bot on bot.id = allowed.bot_id
where allowed.expires_at > now() and ($1::text is null or bot.slug = $1)
    and ($2::text is null or allowed.user_id = $2) and ($3::text is null or allowed.chat_id = $3)
    and allowed.id < coalesce($4::bigint, 9223372036854775807)
order by allowed.id desc limit $5
"""
REVOKE = "delete from grants where id = $1 and ($2::text is null or user_id = $2) and expires_at > now() returning id"
TIDY = "delete from grants where expires_at < now()"
HOLDS = """
select exists (
    select from grants allowed join bots bot on bot.id = allowed.bot_id
    where bot.slug = $1 and chat_id = $2 and thread_id = $3 and user_id = $4 and kind = $5 and expires_at > now()
) as holds
"""


async def list_grants(
    db: Database, bot: str | None, user_id: str | None, chat_id: str | None, *, after: int | None, limit: int
) -> Page:
    """What holds now, newest first."""
    return as_page(await db.run(LIST, bot, user_id, chat_id, after, limit + 1), limit)


async def revoke(db: Database, id: int, user_id: str | None) -> None:
    """Raises `GrantNotFound`, also when it is another person's."""
    if not await db.run(REVOKE, id, user_id):
        raise GrantNotFound


async def tidy(db: Database) -> None:
    """Delete what is over."""
    await db.run(TIDY)


async def holds(db: Database, context: Context, kind: str) -> bool:
    """Whether the person has allowed a kind of action in this chat."""
    where = context.bot, context.chat_id, context.thread_id, context.user_id
    return bool((await db.run(HOLDS, *where, kind))[0]["holds"])
