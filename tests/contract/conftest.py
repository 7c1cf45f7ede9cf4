"""The whole way: a person in a simulated Telegram, the real bot, the real backend, a simulated model.

Bot and backend take seconds to start, so all tests share them; for each of them, nobody has said anything yet.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from backend.database import Database
from backend.local import Child, Program, Stores
from tests.conftest import forget_what_was_said
from tests.processes import BackendProcess, WorkerProcess, until, unused_port
from tests.simulators.provider import Provider
from tests.simulators.telegram import TelegramSimulator

KEYS = {"API_KEYS": "first-key,second-key", "SECRET_KEY": "a-key-that-seals-the-tokens-of-bots"}
UNFINISHED = """
select from turns where status in ('waiting', 'open')
union all select from deliveries where state = 'pending'
union all select from agent_runs where status in ('pending', 'running', 'waiting')
union all select from deliveries where state = 'sent' and changed > shown
"""
AS_AT_FIRST = "update bots set access = default, owner_id = default, messages_per_minute = default"


@pytest.fixture(scope="package")
def provider_port() -> int:
    return unused_port()


@pytest.fixture
async def provider(provider_port: int) -> AsyncIterator[Provider]:
    async with Provider(port=provider_port) as provider:
        yield provider


@pytest.fixture(scope="package")
async def everybodys_telegram() -> AsyncIterator[TelegramSimulator]:
    async with TelegramSimulator() as telegram:
        yield telegram


@pytest.fixture
def telegram(everybodys_telegram: TelegramSimulator) -> TelegramSimulator:
    everybodys_telegram.forget()
    return everybodys_telegram


@pytest.fixture
async def db(pool: Database) -> AsyncIterator[Database]:
    """As elsewhere, but the bot stays: the relay has it."""
    yield pool
    await forget_what_was_said(pool)
    await pool.run("delete from admissions")
    await pool.run(AS_AT_FIRST)


@pytest.fixture(scope="package")
def environment(stores: Stores, provider_port: int, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What backend and worker are told."""
    return KEYS | {
        "DATABASE_URL": stores.database_url,
        "REDIS_URL": stores.redis_url,
        "LLM_CHAIN": "stub:simulated",
        "STUB_BASE_URL": f"http://127.0.0.1:{provider_port}/v1",
        "EMBEDDINGS": "stub:words",
        "MESSAGES_PER_MINUTE": "0",
        "WORKSPACES": str(tmp_path_factory.mktemp("workspaces")),
    }


@pytest.fixture(scope="package")
async def everybodys_backend(
    environment: dict[str, str], pool: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BackendProcess]:
    process = BackendProcess("backend", environment, tmp_path_factory.mktemp("backend"))
    await process.start()
    yield process
    await process.kill()
    await pool.run("delete from bots")
    await pool.run("insert into bots (slug, name) values ('default', 'Assistant')")


@pytest.fixture(scope="package")
async def everybodys_worker(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[WorkerProcess]:
    process = WorkerProcess(environment, tmp_path_factory.mktemp("worker"))
    await process.answers()
    yield process
    await process.kill()


@pytest.fixture(scope="package")
async def everybodys_bot(
    everybodys_backend: BackendProcess,
    everybodys_telegram: TelegramSimulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Child]:
    """The relay, with the token of the bot `default`."""
    headers = {"Authorization": "Bearer first-key"}
    async with (
        ClientSession(everybodys_backend.url, headers=headers) as http,
        http.patch("/v1/bots/default", json={"token": everybodys_telegram.token}) as changed,
    ):
        assert changed.status == 200, await changed.text()
    logs = tmp_path_factory.mktemp("bot")
    addresses = {"TELEGRAM_API_URL": everybodys_telegram.url, "BACKEND_URL": everybodys_backend.url}
    program = Program("bot", (sys.executable, "-m", "telegram_bot"), KEYS | addresses | {"TMPDIR": str(logs)})
    child = Child(program, logs)
    child.start()
    yield child
    await asyncio.to_thread(child.kill)


@pytest.fixture
async def backend_process(everybodys_backend: BackendProcess, db: Database, provider: Provider) -> BackendProcess:
    """Running, whatever was done to it before."""
    await everybodys_backend.revive()
    return everybodys_backend


@pytest.fixture
async def bot(
    everybodys_bot: Child, backend_process: BackendProcess, telegram: TelegramSimulator, db: Database
) -> AsyncIterator[None]:
    """At work; afterwards nothing may be stuck."""
    yield

    async def is_finished() -> bool:
        return not telegram.world.updates and not await db.run(UNFINISHED)

    await until(is_finished)
