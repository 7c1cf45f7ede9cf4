"""The relay at work between a simulated Telegram and a simulated backend, all on real sockets."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from telegram_bot.relay import run
from telegram_bot.settings import Settings
from tests.simulators.backend import SECRET_KEY, BackendSimulator
from tests.simulators.telegram import TelegramSimulator

StartRelay = Callable[..., AbstractAsyncContextManager[None]]
# Less than the product's, so that what comes with a beat comes soon.
BEAT_SECONDS = 0.2
# Begins to run a relay, until the event is set; keywords change its settings.
Run = Callable[..., Coroutine[None, None, None]]


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramSimulator]:
    async with TelegramSimulator() as telegram:
        yield telegram


@pytest.fixture
async def backend(telegram: TelegramSimulator) -> AsyncIterator[BackendSimulator]:
    async with BackendSimulator() as backend:
        backend.enable(telegram.token)
        yield backend


@pytest.fixture
def run_relay(
    telegram: TelegramSimulator,
    backend: BackendSimulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    monkeypatch.chdir(tmp_path)  # where no .env is
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("telegram_bot.relay.BEAT_SECONDS", BEAT_SECONDS)

    def run_with(stop: asyncio.Event, **changes: object) -> Coroutine[None, None, None]:
        usual = {
            "secret_key": SECRET_KEY,
            "backend_url": backend.url,
            "telegram_api_url": telegram.url,
        }
        return run(Settings.model_validate(usual | changes), stop)

    return run_with


@pytest.fixture
def start_relay(run_relay: Run) -> StartRelay:
    """Starts a relay for the length of a block; keywords change its settings."""

    @asynccontextmanager
    async def start(**changes: object) -> AsyncIterator[None]:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(run_relay(stop, **changes))
            try:
                yield
            finally:
                stop.set()

    return start


@pytest.fixture(scope="package")
async def ending() -> AsyncIterator[list[asyncio.Task[None]]]:
    """Relays that have left and are about to end: aiogram then lets a quarter of a second pass."""
    relays: list[asyncio.Task[None]] = []
    yield relays
    await asyncio.gather(*relays)


@pytest.fixture
async def relay(
    run_relay: Run, backend: BackendSimulator, ending: list[asyncio.Task[None]], caplog: pytest.LogCaptureFixture
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as waiting:
        ending.append(running := asyncio.create_task(run_relay(stop)))  # noqa: TID251  `ending` waits for it
        yield
        stop.set()
        left = waiting.create_task(backend.until(lambda: backend.leases.left))
        await asyncio.wait([running, left], return_when=asyncio.FIRST_COMPLETED)
        left.cancel()
    records = caplog.get_records("call")
    assert not [
        record.getMessage()
        for record in records
        if record.name == "telegram_bot.updates" and record.levelname == "ERROR"
    ]
