"""Everything that runs: two backends and a worker on stores of their own, and who answers them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from aiohttp import ClientSession, ClientTimeout, TCPConnector

from backend.database import Database
from backend.jobs import Job
from backend.local import Stores
from tests.faults.people import Person
from tests.faults.scribe import Recorded
from tests.faults.tables import Tables
from tests.processes import PATIENCE_SECONDS, BackendProcess, WorkerProcess, until
from tests.simulators.provider import Provider

# A summary is due after six turns, and leaves the last two as they are.
SUMMARY_THRESHOLD, SHORT_HISTORY = 12, 4


@dataclass(frozen=True, slots=True)
class House:
    """`provider` answers people, and `scribe` writes summaries; the worker is started by whoever needs it."""

    stores: Stores
    provider: Provider
    scribe: Provider
    environment: dict[str, str]
    logs: Path
    first: BackendProcess
    second: BackendProcess
    worker: WorkerProcess
    tables: Tables
    http: ClientSession

    def somebody(self) -> Person:
        """A person whom nobody knows yet."""
        return Person(f"person-{uuid4().hex[:8]}", self.http)

    def backend(self, name: str, **changes: str) -> BackendProcess:
        """One more, with another environment; whoever makes it starts it and kills it."""
        return BackendProcess(name, self.environment | changes, self.logs)

    @asynccontextmanager
    async def postgres_away(self) -> AsyncIterator[None]:
        """Killed, and started again on its data at the end."""
        await asyncio.to_thread(self.stores.postgres.kill)
        yield
        await asyncio.to_thread(self.stores.postgres.start)

    @asynccontextmanager
    async def broker_away(self) -> AsyncIterator[None]:
        """As `postgres_away`."""
        await asyncio.to_thread(self.stores.valkey.kill)
        yield
        await asyncio.to_thread(self.stores.valkey.start)

    async def sweep_up(self, person: Person) -> None:
        """Returns once sweeps have brought a summary; after each an hour passes, for jobs may be lost with a broker."""

        async def is_there() -> bool:
            await self.worker.revive()
            await self.tables.let_an_hour_pass(person)
            await self.worker.ring(Job.SWEEP)
            return bool(await self.tables.versions(person))

        await until(is_there, pause=1)

    async def settle(self) -> None:
        """Everybody is there, and nothing is left from before."""
        self.provider.rule = self.scribe.rule = lambda body: None
        await self.tables.forget_unfinished()
        for backend in (self.first, self.second):
            await backend.revive()
            await self.somebody().says(backend, "Hello")
        self.provider.calls.clear()
        self.provider.most_in_flight = 0


@asynccontextmanager
async def open_house(stores: Stores, logs: Path) -> AsyncIterator[House]:
    # A request that takes longer than this hangs; a connection that a killed backend once had is not used again.
    limit, connector = ClientTimeout(total=PATIENCE_SECONDS), TCPConnector(limit=0, force_close=True)
    async with (
        Provider() as provider,
        Provider(usual=Recorded()) as scribe,
        Database(stores.database_url) as db,
        ClientSession(timeout=limit, connector=connector) as http,
    ):
        environment = environment_of(stores, provider, scribe)
        first, second = (BackendProcess(name, environment, logs) for name in ("first", "second"))
        worker = WorkerProcess(environment, logs)
        yield House(stores, provider, scribe, environment, logs, first, second, worker, Tables(db), http)
        await asyncio.gather(first.kill(), second.kill(), worker.kill())


def environment_of(stores: Stores, provider: Provider, scribe: Provider) -> dict[str, str]:
    return {
        "DATABASE_URL": stores.database_url,
        "REDIS_URL": stores.redis_url,
        "LLM_CHAIN": "stub:simulated",
        "STUB_BASE_URL": provider.base_url,
        "SUMMARY_LLM_CHAIN": "scribe:simulated",
        "SCRIBE_BASE_URL": scribe.base_url,
        "SUMMARY_THRESHOLD": str(SUMMARY_THRESHOLD),
        "SHORT_HISTORY_LIMIT": str(SHORT_HISTORY),
        "TURN_WAIT_SECONDS": str(PATIENCE_SECONDS / 2),
        "LLM_TIMEOUT_SECONDS": str(PATIENCE_SECONDS / 2),
    }
