from backend.api.console.access import Door
from backend.api.console.watch import Watch
from backend.bootstrap import Backend


class Console:
    """What the pages have in common, as long as the process runs."""

    def __init__(self, backend: Backend) -> None:
        self.door = Door(backend.settings)
        self.watch = Watch(backend)

    def open(self) -> None:
        self.watch.open()

    async def close(self) -> None:
        """Ends what would go on as long as somebody looks at it."""
        await self.watch.close()
