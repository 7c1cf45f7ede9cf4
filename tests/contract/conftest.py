"""The whole way: a person in a simulated Telegram, the real bot, the real backend, a simulated model."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from backend.database import Database
from backend.local import Child, Program, Stores
from tests.processes import BackendProcess
from tests.simulators.provider import Provider
from tests.simulators.telegram import TelegramSimulator


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramSimulator]:
    async with TelegramSimulator() as telegram:
        yield telegram


KEYS = {"API_KEYS": "first-key,second-key", "SECRET_KEY": "a-key-that-seals-the-tokens-of-bots"}


@pytest.fixture
async def backend_process(
    stores: Stores, db: Database, provider: Provider, tmp_path: Path
) -> AsyncIterator[BackendProcess]:
    environment = KEYS | {
        "DATABASE_URL": stores.database_url,
        "REDIS_URL": stores.redis_url,
        "LLM_CHAIN": "stub:simulated",
        "STUB_BASE_URL": provider.base_url,
        "LLM_TIMEOUT_SECONDS": "5",
        "EMBEDDINGS": "stub:words",
        "MESSAGES_PER_MINUTE": "0",
    }
    process = BackendProcess("backend", environment, tmp_path)
    await process.start()
    yield process
    await process.kill()


@pytest.fixture
async def bot(backend_process: BackendProcess, telegram: TelegramSimulator, tmp_path: Path) -> AsyncIterator[Child]:
    """The relay, with the token of the bot `default`."""
    headers = {"Authorization": "Bearer first-key"}
    async with (
        ClientSession(backend_process.url, headers=headers) as http,
        http.patch("/v1/bots/default", json={"token": telegram.token}) as changed,
    ):
        assert changed.status == 200, await changed.text()
    told = {"TELEGRAM_API_URL": telegram.url, "BACKEND_URL": backend_process.url, "TMPDIR": str(tmp_path)}
    child = Child(Program("bot", (sys.executable, "-m", "telegram_bot"), KEYS | told), tmp_path)
    child.start()
    yield child
    child.kill()
