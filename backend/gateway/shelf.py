"""Macros as rows: what operators write, for one bot or for all."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from backend.bots import BotNotFound
from backend.database import Database, Page, Record, Transaction, as_page
from backend.errors import Conflict, NotFound
from backend.gateway.macros import read_macro
from backend.gateway.registry import Registry


class MacroNotFound(NotFound):
    """No such macro."""


class MacroExists(Conflict):
    """There is a macro of this name for this bot already, or for every bot."""


# Missing is who is named by a plan, whatever somebody has written there, and is not there for its bot, or that of $1.
SELECT = """
select macro.id, macro.slug, macro.name, macro.description, macro.template, macro.plan, macro.parameters, macro.enabled,
    macro.created_at, bot.slug as bot, array(
        select distinct named #>> '{}' from jsonb_path_query(macro.plan, 'lax $[*].agent') named
        where not exists (
            select from agents agent left join bots its on its.id = agent.bot_id
            where agent.enabled and agent.slug = named #>> '{}'
                and (its.slug is null or its.slug = coalesce(bot.slug, $1))
        )
    ) as missing_agents
from macros macro left join bots bot on bot.id = macro.bot_id
"""
LIST = f"""{SELECT}
where ($1::text is null or bot.slug = $1 or macro.bot_id is null)
    and ($2::timestamptz is null or (macro.created_at, macro.id) < ($2, $3))
order by macro.created_at desc, macro.id desc limit $4
"""
GET = f"{SELECT} where macro.id = $2"
LOCK = "select * from macros where id = $1 for update"
BOT = "select id from bots where slug = $1"
ADD = """
insert into macros (bot_id, slug, name, description, template, plan, parameters, enabled)
select bot_id, slug, name, description, coalesce(template, ''), plan, coalesce(parameters, '{}'),
    coalesce(enabled, true)
from jsonb_populate_record(null::macros, $1)
returning id
"""
CHANGE = """
update macros set (bot_id, name, description, template, plan, parameters, enabled) = (
    select bot_id, name, description, template, plan, parameters, enabled from jsonb_populate_record(macros, $2)
)
where id = $1
"""
DELETE = "delete from macros where id = $1 returning id"


class Shelf:
    """Where macros are kept; what is changed here holds at once in this process, elsewhere within seconds."""

    def __init__(self, db: Database, registry: Registry) -> None:
        self._db = db
        self._registry = registry

    async def list(self, bot: str | None, *, after: tuple[datetime, UUID] | None, limit: int) -> Page:
        """All macros, or those that a bot has; newest first, with their bot's slug, and which agents are missing."""
        return as_page(await self._db.run(LIST, bot, *(after or (None, None)), limit + 1), limit)

    async def get(self, id: UUID) -> Record:
        """Raises `MacroNotFound`."""
        for row in await self._db.run(GET, None, id):
            return row
        raise MacroNotFound

    async def add(self, macro: Mapping[str, Any]) -> Record:
        """Columns, with the slug of its `bot`. Raises `MacroExists`, `MacroInvalid`, `BotNotFound`."""
        read_macro(macro)
        async with self._db.begin() as tx:
            try:
                id: UUID = await tx.fetchval(ADD, await columns_of(tx, macro))
            except asyncpg.UniqueViolationError:
                raise MacroExists from None
        self._registry.forget()
        return await self.get(id)

    async def change(self, id: UUID, changes: Mapping[str, Any]) -> Record:
        """What is not among the changes stays. Raises as `add`, and `MacroNotFound`."""
        async with self._db.begin() as tx:
            before = await tx.fetchrow(LOCK, id)
            if before is None:
                raise MacroNotFound
            read_macro({**before, **changes})
            try:
                await tx.execute(CHANGE, id, await columns_of(tx, changes))
            except asyncpg.UniqueViolationError:
                raise MacroExists from None
        self._registry.forget()
        return await self.get(id)

    async def delete(self, id: UUID) -> None:
        """Raises `MacroNotFound`."""
        if not await self._db.run(DELETE, id):
            raise MacroNotFound
        self._registry.forget()


async def columns_of(tx: Transaction, row: Mapping[str, Any]) -> dict[str, Any]:
    """With the bot's id for its slug, which may be null: then it is every bot's."""
    columns = dict(row)
    if "bot" not in columns:
        return columns
    slug = columns.pop("bot")
    bot_id = await tx.fetchval(BOT, slug) if slug is not None else None
    if slug is not None and bot_id is None:
        raise BotNotFound
    return columns | {"bot_id": bot_id and str(bot_id)}
