"""The variables that providers are read from: the environment's, and below them what was set in the console.

That is kept sealed in the database. Whoever holds it takes up within seconds what another process has saved.
"""

import time
from collections.abc import Iterator, Mapping

import structlog

from backend.bots import Seal, SecretKeyMissing, SecretKeyWrong
from backend.database import Database, StorageUnavailable

log = structlog.get_logger(__name__)

# So old may be what is known of the database's.
FRESH_SECONDS = 1.0

READ = "select name, sealed from settings"
SAVE = """
insert into settings (name, sealed) values ($1, $2)
on conflict (name) do update set sealed = excluded.sealed, created_at = now()
"""
FORGET = "delete from settings where name = any($1::text[])"
RESEAL = "update settings set sealed = $3 where name = $1 and sealed = $2"


class Variables(Mapping[str, str]):
    """What the environment names is as it says; the rest may be saved here."""

    def __init__(self, db: Database, seal: Seal, environment: Mapping[str, str]) -> None:
        self._db = db
        self._seal = seal
        self.environment = environment
        self.saved: Mapping[str, str] = {}
        self._sealed: Mapping[str, str] = {}
        self._read_at = -FRESH_SECONDS

    def __getitem__(self, name: str) -> str:
        return self.environment[name] if name in self.environment else self.saved[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self.saved, **self.environment})

    def __len__(self) -> int:
        return len({**self.saved, **self.environment})

    async def refresh(self) -> bool:
        """Whether something else is saved than was known. While the database is away, what was known stays."""
        if time.monotonic() - self._read_at < FRESH_SECONDS:
            return False
        try:
            return await self._read()
        except StorageUnavailable:
            return False

    async def save(self, values: Mapping[str, str]) -> None:
        """An empty value is forgotten. Raises `SecretKeyMissing`, `StorageUnavailable`."""
        sealed = {name: self._seal.close(value) for name, value in values.items() if value}
        async with self._db.begin() as tx:
            await tx.execute(FORGET, [name for name, value in values.items() if not value])
            await tx.executemany(SAVE, list(sealed.items()))
        self._read_at = -FRESH_SECONDS

    async def rotate(self) -> None:
        """Seals all with the first key. Raises `SecretKeyMissing`, `SecretKeyWrong`."""
        for row in await self._db.run(READ):
            try:
                renewed = self._seal.renew(row["sealed"])
            except SecretKeyWrong:
                raise SecretKeyWrong(f"it seals {row['name']}") from None
            await self._db.run(RESEAL, row["name"], row["sealed"], renewed)

    async def _read(self) -> bool:
        sealed = {row["name"]: row["sealed"] for row in await self._db.run(READ)}
        self._read_at = time.monotonic()
        if sealed == self._sealed:
            return False
        self._sealed, before = sealed, self.saved
        self.saved = {name: value for name, one in sealed.items() if (value := self._opened(name, one)) is not None}
        return self.saved != before

    def _opened(self, name: str, sealed: str) -> str | None:
        try:
            return self._seal.open(sealed)
        except (SecretKeyMissing, SecretKeyWrong) as problem:
            log.warning("setting_not_opened", name=name, problem=type(problem).__name__)
            return None
