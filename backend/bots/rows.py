"""Bots as rows: what they are, and how they fare."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from backend.database import Database, Page, Record, Transaction, as_page
from backend.errors import Conflict, NotFound


class BotNotFound(NotFound):
    """No such bot."""


class BotExists(Conflict):
    """There is a bot of this name already."""


class BotHasSessions(Conflict):
    """People have talked with this bot, or it has documents: stop it instead of deleting it."""


class TokenInUse(Conflict):
    """Another bot has this token: each needs one of its own."""


# What a bot is called in addresses and commands.
SLUG = "^[a-z0-9][a-z0-9_-]{0,63}$"
CONFIGURED = (
    "name",
    "persona",
    "language",
    "llm_chain",
    "sealed_token",
    "telegram_id",
    "username",
    "triggers",
    "called",
    "keywords",
    "access",
    "owner_id",
    "allowed_user_ids",
    "allowed_chat_ids",
    "messages_per_minute",
    "max_concurrent_turns",
    "max_answer_length",
    "enabled",
)

# By the index on a turn's time, for all bots at once: 60 ms where 40,000 messages came in a day, of 400,000 in all.
DAY = """
select session.bot_id, count(*) as messages, (avg((turn.status = 'failed')::int))::float8 as error_rate,
    (avg(extract(epoch from turn.finished_at - turn.created_at)) filter (where turn.status = 'answered'))::float8
        as mean_seconds
from turns turn join chat_sessions session on session.id = turn.session_id
where turn.created_at > now() - interval '24 hours' and turn.status not in ('waiting', 'open')
group by session.bot_id
"""
IS_HELD = "poller.lease_until >= now()"
# Without a lease the row tells of a process that is gone.
SELECT = f"""
select bot.id, bot.slug, bot.name, bot.persona, bot.language, bot.llm_chain, bot.telegram_id::text, bot.username,
    bot.triggers, bot.called, bot.keywords, bot.access, bot.owner_id, bot.allowed_user_ids, bot.allowed_chat_ids,
    bot.messages_per_minute, bot.max_concurrent_turns, bot.max_answer_length, bot.enabled, bot.created_at,
    case when {IS_HELD} then poller.state when bot.enabled and bot.sealed_token is not null then 'pending'
        else 'stopped' end as state,
    case when {IS_HELD} then poller.state_since else poller.lease_until end as state_since,
    poller.heartbeat_at, coalesce(poller.last_error, '') as last_error, poller.last_error_at,
    coalesce(day.messages, 0) as messages, day.error_rate, day.mean_seconds
from bots bot left join pollers poller on poller.bot_id = bot.id left join ({DAY}) day on day.bot_id = bot.id
"""
LIST = f"""{SELECT}
where $1::timestamptz is null or (bot.created_at, bot.id) < ($1, $2)
order by bot.created_at desc, bot.id desc limit $3
"""
GET = f"{SELECT} where bot.slug = $1"
PACE = "select id, messages_per_minute from bots where slug = $1"
ADD = "insert into bots (slug, name) values ($1, $1)"
COLUMNS = ", ".join(CONFIGURED)
# What is not among the changes stays as it is in the row.
CHANGE = f"""
update bots set ({COLUMNS}) = (select {COLUMNS} from jsonb_populate_record(bots, $2))
where slug = $1 returning id
"""
SEALED = "select slug, sealed_token from bots where slug = $1"
ALL_SEALED = "select slug, sealed_token from bots where sealed_token is not null"
# Not over a token that was changed meanwhile.
REPLACE = "update bots set sealed_token = $3 where slug = $1 and sealed_token = $2"
DELETE = "delete from bots where slug = $1 returning id"


async def list_bots(db: Database, *, after: tuple[datetime, UUID] | None, limit: int) -> Page:
    """Newest first."""
    return as_page(await db.run(LIST, *(after or (None, None)), limit + 1), limit)


async def get_bot(db: Database, slug: str) -> Record:
    """Raises `BotNotFound`."""
    for row in await db.run(GET, slug):
        return row
    raise BotNotFound


async def get_pace(db: Database, slug: str) -> Record:
    """How often a person may write to it. Raises `BotNotFound`."""
    for row in await db.run(PACE, slug):
        return row
    raise BotNotFound


async def add_bot(tx: Transaction, slug: str, settings: Mapping[str, Any]) -> None:
    """Raises `BotExists`, `TokenInUse`."""
    try:
        await tx.execute(ADD, slug)
    except asyncpg.UniqueViolationError:
        raise BotExists from None
    await change_bot(tx, slug, settings)


async def change_bot(tx: Transaction, slug: str, changes: Mapping[str, Any]) -> None:
    """`changes` are columns of `CONFIGURED`. Raises `BotNotFound`, `TokenInUse`."""
    try:
        changed = await tx.fetch(CHANGE, slug, dict(changes))
    except asyncpg.UniqueViolationError:
        raise TokenInUse from None
    if not changed:
        raise BotNotFound


async def delete_bot(db: Database, slug: str) -> None:
    """Raises `BotNotFound`, `BotHasSessions`."""
    try:
        deleted = await db.run(DELETE, slug)
    except (asyncpg.RestrictViolationError, asyncpg.ForeignKeyViolationError):  # Postgres 18, and before it
        raise BotHasSessions from None
    if not deleted:
        raise BotNotFound


async def get_sealed_token(db: Database, slug: str) -> str | None:
    """None if the bot has none. Raises `BotNotFound`."""
    for row in await db.run(SEALED, slug):
        sealed: str | None = row["sealed_token"]
        return sealed
    raise BotNotFound


async def list_sealed_tokens(db: Database) -> dict[str, str]:
    """By the bot's slug."""
    return {row["slug"]: row["sealed_token"] for row in await db.run(ALL_SEALED)}


async def replace_sealed_token(db: Database, slug: str, old: str, new: str) -> None:
    await db.run(REPLACE, slug, old, new)
