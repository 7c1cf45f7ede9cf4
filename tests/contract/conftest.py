"""The whole way: a person in a simulated Telegram, the real bot, the real backend, a simulated model."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.database import Database
from backend.local import Child, Program, Stores
from tests.processes import BackendProcess
from tests.simulators.provider import Provider
from tests.simulators.telegram import TelegramSimulator


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramSimulator]:
    async with TelegramSimulator() as telegram:
        yield telegram


@pytest.fixture
async def backend_process(
    stores: Stores, db: Database, provider: Provider, tmp_path: Path
) -> AsyncIterator[BackendProcess]:
    environment = {
        "DATABASE_URL": stores.database_url,
        "REDIS_URL": stores.redis_url,
        "LLM_CHAIN": "stub:simulated",
        "STUB_BASE_URL": provider.base_url,
        "LLM_TIMEOUT_SECONDS": "5",
        "API_KEYS": "first-key,second-key",
    }
    process = BackendProcess("backend", environment, tmp_path)
    await process.start()
    yield process
    await process.kill()


@pytest.fixture
async def bot(backend_process: BackendProcess, telegram: TelegramSimulator, tmp_path: Path) -> AsyncIterator[Child]:
    environment = {
        "BOT_TOKEN": telegram.token,
        "TELEGRAM_API_URL": telegram.url,
        "BACKEND_URL": backend_process.url,
        "API_KEYS": "first-key,second-key",
    }
    child = Child(Program("bot", (sys.executable, "-m", "telegram_bot"), environment), tmp_path)
    child.start()
    yield child
    child.kill()
