from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.bots import leases, rows
from backend.bots.leases import Told
from backend.bots.sealing import Seal, telegram_id
from backend.database import Database, Page, Record


class Bots:
    """Who speaks: bots as rows, their tokens, and which process receives for them."""

    def __init__(self, db: Database, seal: Seal) -> None:
        self._db = db
        self._seal = seal

    async def list(self, *, after: tuple[datetime, UUID] | None, limit: int) -> Page:
        """Newest first, each with its state."""
        return await rows.list_bots(self._db, after=after, limit=limit)

    async def get(self, slug: str) -> Record:
        """Raises `BotNotFound`."""
        return await rows.get_bot(self._db, slug)

    async def add(self, slug: str, settings: Mapping[str, Any]) -> Record:
        """The settings are columns, but for the `token`. Raises `BotExists` and whatever `change` raises."""
        columns = self._columns(settings)
        async with self._db.begin() as tx:
            await rows.add_bot(tx, slug, columns)
        return await self.get(slug)

    async def change(self, slug: str, changes: Mapping[str, Any]) -> Record:
        """What is not among the changes stays; a `token` of None is taken away.

        Raises `BotNotFound`, `TokenInvalid`, `TokenInUse`, `SecretKeyMissing`.
        """
        columns = self._columns(changes)
        async with self._db.begin() as tx:
            await rows.change_bot(tx, slug, columns)
        return await self.get(slug)

    async def delete(self, slug: str) -> None:
        """Raises `BotNotFound`, `BotHasSessions`."""
        await rows.delete_bot(self._db, slug)

    async def beat(self, relay: UUID, told: Sequence[Told]) -> Sequence[Record]:
        """The bots that a relay may run for `LEASE_SECONDS` from now on; what it told of those it had is recorded."""
        return await leases.beat(self._db, relay, told)

    async def free(self, relay: UUID) -> None:
        """A relay that ends lets another one go on at once."""
        await leases.free(self._db, relay)

    def _columns(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        columns = dict(settings)
        if "token" in columns:
            token = columns.pop("token")
            number = telegram_id(token) if token else None
            sealed = self._seal.close(token) if token else None
            columns |= {"telegram_id": number, "sealed_token": sealed, "username": ""}
        return columns
