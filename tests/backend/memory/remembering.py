"""Something to remember: sessions, their messages, and the embeddings that promise they can be found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backend.database import Database

SESSION = """
insert into chat_sessions (bot_id, user_id, chat_id, thread_id, chat_type, language, is_active)
select id, $2, $3, $4, $5, $6, false from bots where slug = $1
returning id, scope
"""
SAY = """
with said as (
    insert into messages (session_id, position, role, speaker, content, tokens, created_at)
    select $1, last_position + 1, $2, $3, $4, 0, coalesce($5, now()) from chat_sessions where id = $1
    returning id, session_id, role, speaker, content, created_at
), moved as (
    update chat_sessions set last_position = last_position + 1 where id = $1
)
insert into embeddings (scope, session_id, message_id, role, speaker, content, created_at)
select session.scope, said.* from chat_sessions session cross join lateral (
    select session_id, id, role, speaker, content, created_at from said
) said
where session.id = $1
returning id
"""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A session in which things are said."""

    db: Database
    id: UUID
    scope: UUID

    async def say(
        self, *contents: str, role: str = "user", speaker: str = "", at: datetime | None = None
    ) -> Sequence[int]:
        """The ids of the embeddings."""
        return [(await self.db.run(SAY, self.id, role, speaker, content, at))[0]["id"] for content in contents]


async def converse(
    db: Database, user: str = "anna", *, bot: str = "default", language: str = "", **place: str
) -> Conversation:
    """A new session; `place` may tell its `chat`, `thread` and `kind`, a chat type: it is private if it does not."""
    chat, thread, kind = (
        place.get(name, usual) for name, usual in (("chat", "1"), ("thread", ""), ("kind", "private"))
    )
    row = (await db.run(SESSION, bot, user, chat, thread, kind, language))[0]
    return Conversation(db, row["id"], row["scope"])
