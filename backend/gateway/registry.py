"""The macros that each bot may use now, as this process knows them."""

import asyncio
import time
from collections.abc import Mapping

import structlog

from backend.database import Database, StorageUnavailable
from backend.gateway.macros import Macro, read_macro
from backend.gateway.parameters import MacroInvalid

log = structlog.get_logger(__name__)

# What others change is noticed so late at most; meanwhile no turn costs a trip to Postgres.
KEPT_SECONDS = 4.0

# A bot's own come last: they hide those of the same slug that every bot has.
READ = """
select macro.slug, macro.description, macro.template, macro.parameters, bot.slug as bot
from macros macro left join bots bot on bot.id = macro.bot_id
where macro.enabled order by macro.bot_id is not null, macro.slug
"""

EVERY_BOT = None
NONE: Mapping[str, Macro] = {}


class Registry:
    """Read at once for all bots, and kept for a few seconds."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._of_bots: dict[str | None, dict[str, Macro]] = {}
        self._good_until = 0.0
        self._reading = asyncio.Lock()

    async def of(self, bot: str) -> Mapping[str, Macro]:
        """A bot's macros by their slugs; what was known before, while Postgres is away."""
        if time.monotonic() > self._good_until:
            async with self._reading:
                if time.monotonic() > self._good_until:
                    await self._read()
        if not self._of_bots:
            return NONE
        return {**self._of_bots.get(EVERY_BOT, {}), **self._of_bots.get(bot, {})}

    def forget(self) -> None:
        """Something was changed here: look again."""
        self._good_until = 0.0

    async def _read(self) -> None:
        self._good_until = time.monotonic() + KEPT_SECONDS
        try:
            rows = await self._db.run(READ)
        except StorageUnavailable:
            return
        of_bots: dict[str | None, dict[str, Macro]] = {}
        for row in rows:
            try:
                of_bots.setdefault(row["bot"], {})[row["slug"]] = read_macro(dict(row))
            except MacroInvalid as problem:
                log.warning("macro_invalid", slug=row["slug"], reason=str(problem))
        self._of_bots = of_bots
