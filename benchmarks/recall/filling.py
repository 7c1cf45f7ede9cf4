"""Messages as the product stores them, and indexes them; each conversation is the memory of one person."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from backend.database import Database
from backend.memory.indexing import Indexing
from benchmarks.recall.data import Conversation, Said

# The sweep promises this many of the newest messages at once.
PORTION = 1_000
# When something was said at a time that nobody knows: long ago, in order.
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

SESSION = """
insert into chat_sessions (bot_id, user_id, chat_id, is_active, created_at)
select id, $1, $2, false, $3 from bots where slug = 'default' returning id
"""
INSERT = """
insert into messages (session_id, position, role, speaker, content, tokens, created_at)
select session_id, position, role, speaker, content, 0, said_at
from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
    with ordinality as said (session_id, position, role, speaker, content, said_at, number)
order by number
returning id
"""


class Filling:
    """Fills one conversation into memory, in portions; `ids` are the data's ids by the messages' own."""

    def __init__(self, db: Database, indexing: Indexing, conversation: Conversation) -> None:
        self._db = db
        self._indexing = indexing
        self._conversation = conversation
        self._sessions: dict[str, UUID] = {}
        self._positions: Counter[str] = Counter()
        self._places: list[int] = []
        self._filled = 0
        self.ids: dict[int, str] = {}

    async def up_to(self, count: int) -> None:
        """The first `count` messages are there, and indexed."""
        while self._filled < count:
            until = min(count, self._filled + PORTION)
            await self._insert(self._conversation.messages[self._filled : until])
            self._filled = until
            await self._indexing.sweep()
            while await self._indexing.index():
                pass

    async def _insert(self, messages: Sequence[Said]) -> None:
        times = [
            message.at or LONG_AGO + timedelta(minutes=self._filled + place) for place, message in enumerate(messages)
        ]
        for message, at in zip(messages, times, strict=True):
            if message.session not in self._sessions:
                self._sessions[message.session] = await self._begin(message.session, at)
            self._positions[message.session] += 1
            self._places.append(self._positions[message.session])
        rows = await self._db.run(
            INSERT,
            [self._sessions[message.session] for message in messages],
            self._places[self._filled :],
            [message.role for message in messages],
            [message.speaker for message in messages],
            [message.text for message in messages],
            times,
        )
        self.ids |= {row["id"]: message.id for row, message in zip(rows, messages, strict=True)}

    async def _begin(self, session: str, at: datetime) -> UUID:
        conversation = self._conversation.id
        rows = await self._db.run(SESSION, conversation, f"{conversation} {session}", at)
        id: UUID = rows[0]["id"]
        return id
