"""The relay at work between a simulated Telegram and a simulated backend, all on real sockets."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from telegram_bot.relay import run
from telegram_bot.settings import Settings
from tests.simulators.backend import SECRET_KEY, BackendSimulator
from tests.simulators.telegram import TelegramSimulator

StartRelay = Callable[..., AbstractAsyncContextManager[None]]


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
def start_relay(
    telegram: TelegramSimulator,
    backend: BackendSimulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> StartRelay:
    """Starts a relay for the length of a block; keywords change its settings."""

    monkeypatch.chdir(tmp_path)  # where no .env is
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    @asynccontextmanager
    async def start(**changes: object) -> AsyncIterator[None]:
        usual = {
            "secret_key": SECRET_KEY,
            "backend_url": backend.url,
            "telegram_api_url": telegram.url,
        }
        settings = Settings.model_validate(usual | changes)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(run(settings, stop))
            try:
                yield
            finally:
                stop.set()

    return start


@pytest.fixture
async def relay(start_relay: StartRelay, caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    async with start_relay():
        yield
    records = caplog.get_records("call")
    assert not [
        record.getMessage()
        for record in records
        if record.name == "telegram_bot.updates" and record.levelname == "ERROR"
    ]
