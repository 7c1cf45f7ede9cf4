"""How long this process may act for its bots."""

import asyncio
import time

# For what is on its way when it ends, though the backend's clock starts later than this one: when it reads a beat.
MARGIN_SECONDS = 2.0


class Lease:
    """Held from a successful beat on, until its time is over by a clock that nobody sets."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def held(self) -> bool:
        return time.monotonic() < self._until

    def extend(self, asked_at: float, seconds: float) -> None:
        """`asked_at`: the monotonic time just before the backend was asked."""
        self._until = asked_at + seconds - MARGIN_SECONDS

    async def over(self) -> None:
        """Returns when it is held no longer."""
        while self.held:  # noqa: ASYNC110  a beat may extend it meanwhile
            await asyncio.sleep(self._until - time.monotonic())
