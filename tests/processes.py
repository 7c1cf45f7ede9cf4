"""The product's own processes: a test may kill any of them and start it again."""

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from backend.jobs import QUEUE, Job, make_celery
from backend.local import Child, Program
from backend.local.address import Address

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
# Below the ports that systems lend to outgoing connections, beside those of the embedded stores.
# Each worker of pytest-xdist has its own: a process that was killed finds its port free when it comes back.
PORTS = range(30_000, 32_000)[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8 :: 8]
# What has not come by then does not come: far more than anything here takes.
PATIENCE_SECONDS = 120.0
NOBODY = UUID(int=0)


class BackendProcess:
    """`python -m backend.api`, on one port over all its lives."""

    def __init__(self, name: str, environment: Mapping[str, str], logs: Path) -> None:
        self._address = Address(LOOPBACK, unused_port())
        self.url = self._address.url
        told = {**environment, "PORT": str(self._address.port)}
        argv = (sys.executable, "-m", "backend.api")
        self._child = Child(Program(name, argv, told, ready=self._answers), logs)

    async def start(self) -> None:
        await asyncio.to_thread(self._child.start)

    async def revive(self) -> None:
        """Start it unless it runs."""
        if not self._child.running:
            await self.start()

    async def kill(self) -> None:
        await asyncio.to_thread(self._child.kill)

    def freeze(self) -> None:
        """It does nothing more, as if it had been killed, but nobody can tell."""
        os.kill(self._child.pid, signal.SIGSTOP)

    async def ask_to_stop(self) -> None:
        """Returns once it takes no more connections."""

        async def refuses() -> bool:
            return not await asyncio.to_thread(self._answers)

        self._child.ask_to_stop()
        await until(refuses)

    async def ended(self) -> None:
        """Returns when it has ended by itself."""

        async def has() -> bool:
            return not self._child.running

        await until(has)

    def _answers(self) -> bool:
        return self._address.get("/health") is not None


class WorkerProcess:
    """The worker with its beat, as `llmbot up` starts it; four pool processes do the jobs."""

    def __init__(self, environment: Mapping[str, str], logs: Path, *, app: str = "backend.worker.app") -> None:
        command = f"-m celery -A {app} worker --without-gossip --without-mingle -B -s"
        schedule = str(logs / "celerybeat-schedule")
        self._broker = environment["REDIS_URL"]
        self._child = Child(Program("worker", (sys.executable, *command.split(), schedule), environment), logs)

    async def revive(self) -> None:
        """Start it unless it runs, as its supervisor does.

        Celery may end with an AttributeError (`hostname` of None) after its broker was killed.
        """
        if not self._child.running:
            await asyncio.to_thread(self._child.spawn)

    async def kill(self) -> None:
        """All of it: the parent, its pool, and the beat."""
        await asyncio.to_thread(self._child.kill)

    async def kill_busy(self) -> None:
        """Only the pool processes that are doing a job now."""
        for pid in await until(self._busy):
            os.kill(pid, signal.SIGKILL)

    async def ring(self, job: Job, subject: UUID = NOBODY, queue: str = QUEUE) -> None:
        """Send a job, as the backend and the beat do."""

        def send() -> None:
            with make_celery(self._broker) as celery:
                celery.send_task(job, args=[str(subject)], queue=queue)

        await asyncio.to_thread(send)

    async def answers(self) -> None:
        """Returns once it takes jobs, also if it is only now dying of what happened to its broker."""

        def look() -> bool:
            with make_celery(self._broker) as celery, celery.connection_for_read() as connection:
                return bool(celery.control.broadcast("ping", reply=True, limit=1, connection=connection))

        async def is_at_work() -> bool:
            await self.revive()
            return await asyncio.to_thread(look)

        await until(is_at_work)

    async def is_busy(self) -> bool:
        return bool(await self._busy())

    async def _busy(self) -> set[int]:
        def look() -> set[int]:
            # A pooled connection may be of a broker that was killed since.
            with make_celery(self._broker) as celery, celery.connection_for_read() as connection:
                active = celery.control.inspect(connection=connection).active() or {}
            return {job["worker_pid"] for jobs in active.values() for job in jobs}

        return await asyncio.to_thread(look)


async def until(look: Callable[[], Awaitable[T | None]], *, pause: float = 0.05) -> T:
    """What the look finds, once it finds something: of another process no event tells us."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        found = await look()
        while not found:
            await asyncio.sleep(pause)
            found = await look()
        return found


async def in_time(awaitable: Awaitable[T]) -> T:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await awaitable


def unused_port() -> int:
    while True:
        with suppress(OSError), socket.socket() as probe:
            probe.bind((LOOPBACK, port := random.choice(PORTS)))
            return port
