"""Whose memory it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.bots import BotNotFound as BotNotFound
from backend.database import Database


@dataclass(frozen=True, slots=True)
class Whose:
    """A person's memory with a bot or, with a `chat_id`, that of a group's topic."""

    bot: str
    user_id: str = ""
    chat_id: str = ""
    thread_id: str = ""


SCOPES = """
select memory_scope(id, case $3 when '' then 'private' else 'group' end, $2, $3, $4) as own,
    memory_scope(id, 'bot', '', '', '') as bot
from bots where slug = $1
"""


async def scopes_of(db: Database, whose: Whose) -> Sequence[UUID]:
    """Where to search for somebody: their own scope, and the bot's, which is for all. Raises `BotNotFound`."""
    for row in await db.run(SCOPES, whose.bot, whose.user_id, whose.chat_id, whose.thread_id):
        return row["own"], row["bot"]
    raise BotNotFound
