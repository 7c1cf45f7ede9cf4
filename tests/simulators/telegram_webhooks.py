"""Telegram's side of webhooks: each update is sent, in order, until it is taken."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from aiohttp import ClientError, ClientSession

from tests.simulators.telegram_world import World

AGAIN_SECONDS = 0.1


@asynccontextmanager
async def sending_webhooks(worlds: Iterable[World]) -> AsyncIterator[None]:
    """For the length of the block, every bot with a webhook gets its updates there."""
    async with ClientSession() as http:
        tasks = [asyncio.ensure_future(_send(world, http)) for world in worlds]
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _send(world: World, http: ClientSession) -> None:
    while True:
        await world.until(lambda: world.webhook and world.updates, 3600)
        update, headers = world.updates[0], {"X-Telegram-Bot-Api-Secret-Token": world.webhook["secret"]}
        taken = False
        with suppress(ClientError):
            async with http.post(world.webhook["url"], json=update, headers=headers) as response:
                taken = response.status == 200
        if taken:
            world.updates.remove(update)
            world.touch()
        else:
            said = {"last_error_date": int(time.time()), "last_error_message": "Connection refused"}
            world.webhook_error = said
            await asyncio.sleep(AGAIN_SECONDS)
