"""Short transactions, and a guard against holding one while we wait for the world."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeAlias

import asyncpg
import orjson

from backend.errors import Unavailable

# A transaction that waits longer than this is a bug; Postgres itself ends it.
IDLE_LIMIT_MS = 5_000
POOL_SIZE = 16
SERVER_SETTINGS = {
    "idle_in_transaction_session_timeout": str(IDLE_LIMIT_MS),
    # Whatever is asked here is found by an index. Of a table that was small when Postgres last looked at it, it would
    # read every row, and go on doing so for a while when there are thousands.
    "enable_seqscan": "off",
    # For the same reason, what is known of the arguments changes no plan: planning anew took longer than most searches.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}
# A lock or a slow disk may hold a statement up; a client should not wait longer than this for the store.
STATEMENT_LIMIT_SECONDS = 15.0

Record: TypeAlias = "asyncpg.Record"
Connection: TypeAlias = "asyncpg.Connection[Record]"
Transaction: TypeAlias = "asyncpg.pool.PoolConnectionProxy[Record]"

# What asyncpg raises when Postgres is gone, going, not yet up, or gave a transaction up; the rest is a bug of ours.
LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that is just ending was used once more
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)

_in_transaction: ContextVar[bool] = ContextVar("in_transaction", default=False)


class StorageUnavailable(Unavailable):
    """The database did not answer."""

    def __init__(self) -> None:
        super().__init__(retry_after=2)


class TransactionHeld(RuntimeError):
    """A transaction was open where none may be."""


def forbid_open_transaction() -> None:
    """Call before any request to a model, an embedding or another service."""
    if _in_transaction.get():
        raise TransactionHeld("close the transaction before waiting for the outside world")


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; `more` tells that it goes on after the last item."""

    items: list[Record]
    more: bool


def as_page(rows: list[Record], limit: int) -> Page:
    """Of a statement that was asked for one row more than the limit."""
    return Page(rows[:limit], more=len(rows) > limit)


class Database:
    """A pool of connections to Postgres.

    Both ways in raise `StorageUnavailable` when Postgres cannot be reached, and whatever asyncpg raises for the rest.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: asyncpg.Pool[Record] = asyncpg.create_pool(
            url,
            min_size=0,
            max_size=POOL_SIZE,
            command_timeout=STATEMENT_LIMIT_SECONDS,
            timeout=STATEMENT_LIMIT_SECONDS,
            init=_speak_json,
            reset=_leave_as_it_is,
            server_settings=SERVER_SETTINGS,
        )

    async def __aenter__(self) -> Self:
        await self._pool
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.terminate()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """One short transaction: commits on exit, rolls back on error, never nests."""
        forbid_open_transaction()
        token = _in_transaction.set(True)
        try:
            async with self._pool.acquire() as tx, tx.transaction():
                yield tx
        except LOST as error:
            raise StorageUnavailable from error
        finally:
            _in_transaction.reset(token)

    async def run(self, statement: str, *arguments: Any) -> list[Record]:
        """One statement that is a transaction of its own: one trip to Postgres where `begin` makes three."""
        forbid_open_transaction()
        try:
            async with self._pool.acquire() as connection:
                return await connection.fetch(statement, *arguments)
        except LOST as error:
            raise StorageUnavailable from error

    async def connect(self) -> Connection:
        """A connection outside the pool, for what lives longer than a transaction: locks and notifications."""
        try:
            return await asyncpg.connect(self._url, timeout=STATEMENT_LIMIT_SECONDS)
        except LOST as error:
            raise StorageUnavailable from error


async def _speak_json(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),  # version 1, the only one there is
        decoder=lambda value: orjson.loads(value[1:]),
    )


async def _leave_as_it_is(connection: Connection) -> None:
    """Nothing here changes a connection's state, so resetting it would be a trip to Postgres for nothing."""
