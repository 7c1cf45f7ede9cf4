import asyncio
from contextlib import suppress

from backend.api.console.access import Door
from backend.api.console.watch import Watch
from backend.bootstrap import Backend

# What was set in another process is in use here after so long.
REFRESH_SECONDS = 2.0


class Console:
    """What the pages have in common, as long as the process runs."""

    def __init__(self, backend: Backend) -> None:
        self.door = Door(backend.settings)
        self.watch = Watch(backend)
        self._backend = backend
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        self.watch.open()
        self._task = asyncio.create_task(self._keep_up())  # noqa: TID251 - it lives as long as the process

    async def close(self) -> None:
        """Ends what would go on as long as somebody looks at it."""
        await self.watch.close()
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self._backend.refresh()
