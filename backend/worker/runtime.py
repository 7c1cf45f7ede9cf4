"""One event loop and one backend per worker process.

asyncpg's connections belong to the loop that opened them, so every task of a process must run on the same loop.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TypeAlias
from uuid import UUID

from backend.agents.workshop import Workshop
from backend.bootstrap import Backend, open_backend
from backend.settings import Settings

Work: TypeAlias = Callable[[Backend, UUID], Awaitable[None]]


class Runtime:
    """Opened when a worker process starts, closed when it ends."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._backend: Backend | None = None
        self._workshop: Workshop | None = None

    def start(self, settings: Settings) -> None:
        self._backend = self._runner.run(self._stack.enter_async_context(open_backend(settings)))

    def stop(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def run(self, work: Work, subjects: Sequence[UUID]) -> None:
        """Work on all subjects at once. What one of them raises is raised when all have ended."""
        assert self._backend, "the worker process has not started"
        self._runner.run(_perform(work, self._backend, subjects))

    def workshop(self) -> Workshop:
        """Made when the first step is to be carried out: who has no agents does not load what they need."""
        if self._workshop is None:
            assert self._backend, "the worker process has not started"
            self._workshop = importlib.import_module("backend.worker.workshop").make_workshop(self._backend)
        return self._workshop


async def _perform(work: Work, backend: Backend, subjects: Sequence[UUID]) -> None:
    await backend.refresh()
    ends = await asyncio.gather(*(work(backend, subject) for subject in subjects), return_exceptions=True)
    if errors := [end for end in ends if isinstance(end, BaseException)]:
        raise BaseExceptionGroup("a job failed", errors)
