"""How turns become those of this process, and how it lets them go."""

from collections.abc import Awaitable
from typing import TypeVar
from uuid import UUID

from backend.chat import adoption, interrupting, turns
from backend.chat.presence import Presence
from backend.chat.turns import Accepted, Asked, Known, Turn
from backend.database import Database, StorageUnavailable
from backend.llm.tokens import count_tokens
from backend.memory import Memory

T = TypeVar("T")


class Claims:
    """Writes this process's number on turns. Each may raise `StorageUnavailable`."""

    def __init__(self, db: Database, memory: Memory, presence: Presence) -> None:
        self._db = db
        self._memory = memory
        self._presence = presence

    async def accept(self, asked: Asked) -> Accepted | None:
        """A new turn; None if its key is known. Raises `BotNotFound`."""
        promise, owner = self._memory.promise("user", asked.text), self._presence.owner
        return await self._claim(
            turns.accept(self._db, asked, promise, owner=owner, most_lines=self._memory.most_lines)
        )

    async def reopen(self, found: Known) -> Accepted | None:
        """A failed turn once more; None if somebody else was faster."""
        turn = await self._claim(turns.reopen(self._db, found, owner=self._presence.owner))
        return Accepted(turn, past=None) if turn else None

    async def adopt(self) -> list[tuple[Accepted, Asked]]:
        """The turns that nobody carries out."""
        return await self._claim(adoption.adopt(self._db, owner=self._presence.owner))

    async def edit(self, key: UUID, text: str) -> tuple[bool, tuple[Accepted, Asked] | None]:
        """As `interrupting.edit`."""
        editing = interrupting.edit(self._db, key, text, tokens=count_tokens(text), owner=self._presence.owner)
        return await self._claim(editing)

    async def give_up(self, turn: Turn) -> None:
        """Leave a turn to whoever adopts it."""
        try:
            await adoption.give_up(self._db, turn)
        except StorageUnavailable:
            self._presence.renew()

    async def _claim(self, claiming: Awaitable[T]) -> T:
        """Write turns as ours. If nobody can say whether it was written, they are nobody's: we would never end them."""
        try:
            return await claiming
        except StorageUnavailable:
            self._presence.renew()
            raise
