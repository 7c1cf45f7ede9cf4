"""One event loop and one backend per worker process.

asyncpg's connections belong to the loop that opened them, so every task of a process must run on the same loop.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeAlias
from uuid import UUID

from backend.bootstrap import Backend, open_backend
from backend.settings import Settings

Work: TypeAlias = Callable[[Backend, UUID], Awaitable[None]]


class Runtime:
    """Opened when a worker process starts, closed when it ends."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._backend: Backend | None = None

    def start(self, settings: Settings) -> None:
        self._backend = self._runner.run(self._stack.enter_async_context(open_backend(settings)))

    def stop(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def run(self, work: Work, subject: UUID) -> None:
        assert self._backend, "the worker process has not started"
        self._runner.run(_perform(work, self._backend, subject))


async def _perform(work: Work, backend: Backend, subject: UUID) -> None:
    await work(backend, subject)
