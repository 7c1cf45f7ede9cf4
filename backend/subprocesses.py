"""Processes that are begun as a whole, or not at all."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def begun(beginning: Coroutine[Any, Any, asyncio.subprocess.Process]) -> asyncio.subprocess.Process:
    """What `create_subprocess_exec` makes. Who is cancelled meanwhile is so at the next `await`, and has to end it.

    Cancelled itself, it kills that one process, and then waits for all who hold its pipes: what a sandbox has begun
    by then would run on, and be waited for.
    """
    process = asyncio.ensure_future(beginning)
    cancelled: asyncio.CancelledError | None = None
    while not process.done():
        try:
            await asyncio.wait([process])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled and (task := asyncio.current_task()):
        # Taken back and asked for again, it counts once: `asyncio.timeout` knows its own by that.
        task.uncancel()
        task.cancel(*cancelled.args)
    return process.result()
