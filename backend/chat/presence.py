"""How backend processes know of one another: who is alive, and that a turn has ended.

A process holds an advisory lock on a number of its own for as long as its connection lives, and writes that number
on the turns that it answers. When the process dies, however it dies, Postgres lets the lock go at that moment: a turn
whose owner holds no lock is an orphan. No clock is involved, and nothing is written while all is well.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import structlog

from backend.database import LOST, Connection, Database, StorageUnavailable

log = structlog.get_logger(__name__)

# The first half of the advisory locks' key; the second is the owner.
LOCK_SPACE = 0x7117
# Something ended in a session; a turn should be looked at by who carries it out.
CHANNEL, INTERRUPTED = "turns", "interrupted"
RECONNECT_SECONDS = 0.5

OWNER_IS_GONE = f"""not exists (
    select from pg_locks where locktype = 'advisory' and classid = {LOCK_SPACE} and objid = turns.owner::oid
        and objsubid = 2 and database = (select oid from pg_database where datname = current_database())
)"""


class Bell:
    """Wakes those in this process who wait for something to happen in a session."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, set[asyncio.Event]] = {}

    def ring(self, session_id: UUID) -> None:
        for rung in self._waiting.get(session_id, ()):
            rung.set()

    @contextmanager
    def listening(self, session_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set at every ring from now on; whoever waits clears it."""
        rung = asyncio.Event()
        self._waiting.setdefault(session_id, set()).add(rung)
        try:
            yield rung
        finally:
            self._waiting[session_id].discard(rung)
            if not self._waiting[session_id]:
                del self._waiting[session_id]


class Presence:
    """This process among the others: its lock, and its ear for what they finish."""

    def __init__(self, db: Database, ears: Mapping[str, Callable[[UUID], None]]) -> None:
        """`ears` hear what is told on the channels they are named after."""
        self._db = db
        self._ears = ears
        self._owner: int | None = None
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def owner(self) -> int:
        """The number that this process writes on its turns. Raises `StorageUnavailable` while it holds no lock."""
        if self._owner is None:
            raise StorageUnavailable
        return self._owner

    async def open(self) -> None:
        """Takes the lock, or, if Postgres is away, keeps trying."""
        here = asyncio.Event()
        self._task = asyncio.create_task(self._stay(here))  # noqa: TID251 - it lives as long as the process
        with suppress(TimeoutError):
            await asyncio.wait_for(here.wait(), RECONNECT_SECONDS)

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def renew(self) -> None:
        """Give the number up for another one: what this process could not finish is everybody's now."""
        if self._connection:
            self._connection.terminate()

    async def _stay(self, here: asyncio.Event) -> None:
        while True:
            with suppress(StorageUnavailable, *LOST):
                await self._hold(here)
            if self._owner is not None:
                log.warning("presence_lost")
            self._owner = None
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _hold(self, here: asyncio.Event) -> None:
        """A new number every time: turns of the old one are orphans, and late attempts at them lose."""
        connection = await self._db.connect()
        self._connection, gone = connection, asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        try:
            owner = random.getrandbits(31)
            await connection.execute("select pg_advisory_lock($1, $2)", LOCK_SPACE, owner)
            for channel in self._ears:
                await connection.add_listener(channel, self._hear)
            self._owner = owner
            log.info("present", owner=owner)
            here.set()
            await gone.wait()
        finally:
            connection.terminate()

    def _hear(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        self._ears[channel](UUID(str(payload)))
