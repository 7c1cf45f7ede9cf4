"""Agents as rows: who there is, for one bot or for all."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from backend.database import Database, Page, Record, as_page
from backend.errors import Conflict, NotFound
from backend.gateway.registry import Registry
from backend.gateway.shelf import columns_of


class AgentNotFound(NotFound):
    """No such agent."""


class AgentExists(Conflict):
    """There is an agent of this name for this bot already, or for every bot."""


COLUMNS = """
    name, description, instructions, skills, llm_chain, queue, allowed_user_ids, max_model_calls, max_tool_calls,
    max_tokens, max_minutes, enabled
"""
# What is not given has its default.
DEFAULTS = """
    jsonb_build_object('instructions', '', 'skills', '[]'::jsonb, 'llm_chain', '', 'queue', 'default',
        'allowed_user_ids', '[]'::jsonb, 'enabled', true)
"""
SELECT = "select agent.*, bot.slug as bot from agents agent left join bots bot on bot.id = agent.bot_id"
LIST = f"""{SELECT}
where ($1::text is null or bot.slug = $1 or agent.bot_id is null)
    and ($2::timestamptz is null or (agent.created_at, agent.id) < ($2, $3))
order by agent.created_at desc, agent.id desc limit $4
"""
GET = f"{SELECT} where agent.id = $1"
ADD = f"""
insert into agents (bot_id, slug, {COLUMNS})
select bot_id, slug, {COLUMNS} from jsonb_populate_record(null::agents, {DEFAULTS} || $1) returning id
"""
CHANGE = f"""
update agents set (bot_id, {COLUMNS}) = (select bot_id, {COLUMNS} from jsonb_populate_record(agents, $2))
where id = $1 returning id
"""
DELETE = "delete from agents where id = $1 returning id"


class Roster:
    """Where agents are kept; what is changed here is offered at once by this process, by others within seconds."""

    def __init__(self, db: Database, registry: Registry) -> None:
        self._db = db
        self._registry = registry

    async def list(self, bot: str | None, *, after: tuple[datetime, UUID] | None, limit: int) -> Page:
        """All agents, or those that a bot has; newest first, with their bot's slug."""
        return as_page(await self._db.run(LIST, bot, *(after or (None, None)), limit + 1), limit)

    async def get(self, id: UUID) -> Record:
        """Raises `AgentNotFound`."""
        for row in await self._db.run(GET, id):
            return row
        raise AgentNotFound

    async def add(self, agent: Mapping[str, Any]) -> Record:
        """Columns, with the slug of its `bot`. Raises `AgentExists`, `BotNotFound`."""
        async with self._db.begin() as tx:
            try:
                id: UUID = await tx.fetchval(ADD, await columns_of(tx, agent))
            except asyncpg.UniqueViolationError:
                raise AgentExists from None
        self._registry.forget()
        return await self.get(id)

    async def change(self, id: UUID, changes: Mapping[str, Any]) -> Record:
        """What is not among the changes stays. Raises as `add`, and `AgentNotFound`."""
        async with self._db.begin() as tx:
            try:
                changed = await tx.fetchval(CHANGE, id, await columns_of(tx, changes))
            except asyncpg.UniqueViolationError:
                raise AgentExists from None
        if changed is None:
            raise AgentNotFound
        self._registry.forget()
        return await self.get(id)

    async def delete(self, id: UUID) -> None:
        """Raises `AgentNotFound`."""
        if not await self._db.run(DELETE, id):
            raise AgentNotFound
        self._registry.forget()
