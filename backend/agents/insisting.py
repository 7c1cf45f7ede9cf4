"""Recording what has happened, also when the database is being restarted at this moment."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from backend.database import StorageUnavailable

T = TypeVar("T")

PATIENCE_SECONDS, PAUSE_SECONDS = 60.0, 0.3


async def insist(record: Callable[[], Awaitable[T]]) -> T:
    """Try again for a while. Raises `StorageUnavailable` after that, and whatever else `record` does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await record()
        except StorageUnavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
