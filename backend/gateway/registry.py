"""The macros and agents that each bot may use now, as this process knows them."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

from backend.database import Database, Record, StorageUnavailable
from backend.gateway.choices import Agent
from backend.gateway.macros import Macro, read_macro
from backend.gateway.offer import NOTHING, Offer
from backend.gateway.parameters import MacroInvalid

log = structlog.get_logger(__name__)

T = TypeVar("T", Macro, Agent)

# What others change is noticed so late at most; meanwhile no turn costs a trip to Postgres.
KEPT_SECONDS = 4.0

# A bot's own come last: they hide those of the same slug that every bot has.
MACROS = """
select macro.slug, macro.name, macro.description, macro.template, macro.plan, macro.parameters, bot.slug as bot
from macros macro left join bots bot on bot.id = macro.bot_id
where macro.enabled order by macro.bot_id is not null, macro.slug
"""
AGENTS = """
select agent.slug, agent.description, agent.queue, agent.allowed_user_ids, agent.max_model_calls, agent.max_tool_calls,
    agent.max_tokens, agent.max_minutes, bot.slug as bot
from agents agent left join bots bot on bot.id = agent.bot_id
where agent.enabled order by agent.bot_id is not null, agent.slug
"""

EVERY_BOT = None


@dataclass(slots=True)
class _Shared(Generic[T]):
    """What bots have, by their slugs: each its own, and what every bot has."""

    of_bots: dict[str | None, dict[str, T]] = field(default_factory=lambda: defaultdict(dict))

    def of(self, bot: str) -> list[T]:
        every, own = self.of_bots.get(EVERY_BOT, {}), self.of_bots.get(bot, {})
        return list({**every, **own}.values())


@dataclass(frozen=True, slots=True)
class _Known:
    """One look at the tables; offers are made once of it, for people who are offered the same."""

    macros: _Shared[Macro]
    agents: _Shared[Agent]
    offers: dict[tuple[str, ...], Offer] = field(default_factory=dict)

    def offer(self, bot: str, user_id: str) -> Offer:
        agents = [agent for agent in self.agents.of(bot) if not agent.people or user_id in agent.people]
        who = (bot, *(agent.slug for agent in agents))
        if who not in self.offers:
            self.offers[who] = Offer(self.macros.of(bot), agents)
        return self.offers[who]


class Registry:
    """Read at once for all bots, and kept for a few seconds."""

    def __init__(self, db: Database, limits: Mapping[str, int]) -> None:
        """`limits` hold where an agent has none of its own, by the names of its columns."""
        self._db = db
        self._limits = limits
        self._known: _Known | None = None
        self._good_until = 0.0
        self._forgotten = False
        self._reading = asyncio.Lock()

    async def of(self, bot: str, user_id: str) -> Offer:
        """What a bot can do for a person; what was known before, while Postgres is away."""
        if time.monotonic() > self._good_until:
            async with self._reading:
                if time.monotonic() > self._good_until:
                    await self._read()
        return self._known.offer(bot, user_id) if self._known else NOTHING

    def forget(self) -> None:
        """Something was changed here: look again, also if this is just being done."""
        self._good_until, self._forgotten = 0.0, True

    async def _read(self) -> None:
        """Whoever comes meanwhile waits: what was known before may be nothing."""
        self._forgotten = False
        with suppress(StorageUnavailable):
            macros, agents = await self._db.run(MACROS), await self._db.run(AGENTS)
            known = _Known(_shared(macros, lambda row: read_macro(dict(row))), _shared(agents, self._agent))
            self._known = known if macros or agents else None
        if not self._forgotten:
            self._good_until = time.monotonic() + KEPT_SECONDS

    def _agent(self, row: Record) -> Agent:
        limits = {name: limit if row[name] is None else row[name] for name, limit in self._limits.items()}
        return Agent(row["slug"], row["description"], row["queue"], limits, frozenset(row["allowed_user_ids"]))


def _shared(rows: Sequence[Record], read: Callable[[Record], T]) -> _Shared[T]:
    """What can be read of the rows."""
    shared: _Shared[T] = _Shared()
    for row in rows:
        try:
            shared.of_bots[row["bot"]][row["slug"]] = read(row)
        except MacroInvalid as problem:
            log.warning("macro_invalid", slug=row["slug"], reason=str(problem))
    return shared
