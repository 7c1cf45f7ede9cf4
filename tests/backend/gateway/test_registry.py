"""What each bot can do, as a process knows it."""

import asyncio

from backend.bootstrap import Backend
from backend.gateway.registry import Registry
from tests.backend.gateway.errands import give_agent


async def test_those_who_come_while_it_is_read_first_are_offered_the_same(backend: Backend) -> None:
    await give_agent(backend)
    registry = Registry(backend.db, {})
    first, second = await asyncio.gather(registry.of("default", "anna"), registry.of("default", "boris"))
    assert first
    assert first is second


async def test_what_is_changed_while_it_is_read_is_seen(backend: Backend) -> None:
    registry = Registry(backend.db, {})
    reading = asyncio.ensure_future(registry.of("default", "anna"))
    await asyncio.sleep(0)
    registry.forget()
    await reading
    await give_agent(backend)
    assert await registry.of("default", "anna")
