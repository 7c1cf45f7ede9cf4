"""A place for what has to go on between jobs: a worker's own loop stands still while there is no job."""

import asyncio
from collections.abc import Coroutine
from threading import Event, Thread
from typing import Any, TypeVar

T = TypeVar("T")


class Aside:
    """A thread with an event loop, begun when it is first needed. When it is closed, all that goes on in it ends."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._end: asyncio.Event

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of work that is done there; who gives up waiting for it, ends it."""
        if self._thread is None:
            begun = Event()
            self._thread = Thread(target=self._live, args=[begun], name=self._name, daemon=True)
            self._thread.start()
            begun.wait()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def close(self) -> None:
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._end.set)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _live(self, begun: Event) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._until_closed(begun))

    async def _until_closed(self, begun: Event) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        begun.set()
        await self._end.wait()
