"""Real stores, made by the real migrations, shared by all tests; each test leaves them empty.

Writes are committed, as in life: several connections see them, and nothing depends on a test's own transaction.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import pytest

from backend.bootstrap import Backend, assemble
from backend.database import Database, StorageUnavailable
from backend.llm import Llm, Purpose
from backend.llm.catalog import read_chain
from backend.local import Stores, embedded_stores
from backend.settings import Settings
from tests.processes import PATIENCE_SECONDS
from tests.simulators.provider import Provider

# These share processes that take seconds to start; they take longest, too, so they begin first.
TOGETHER = ("tests/faults/", "tests/contract/")

MakeBackend: TypeAlias = Callable[..., Awaitable[Backend]]

ROOT = Path(__file__).parent.parent
# What a developer has set for himself must not reach a test; what starts programs must.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")

# The macros and agents that migrations bring stay, as they were.
SHIPPED = ["translate-document", "generate-commit-message", "daily-news-summary"]
SHIPPED_AGENTS = ["system_agent", "browser_agent", "research_agent", "assistant_agent"]

# In the order in which backends that look for orphans lock them.
EMPTIED = "turns, messages, chat_sessions, llm_calls, words, scopes, vector_indexes, forgotten_vectors"
# As `truncate … cascade` does it, which takes 50 ms however little there is: files are made for every table and index.
EMPTY = f"""
do $$
declare
    emptied regclass[];
    one regclass;
begin
    lock table {EMPTIED} in access exclusive mode;
    with recursive following as (
        select unnest(string_to_array('{EMPTIED}', ', '))::regclass::oid as of
        union select conrelid from pg_constraint, following where contype = 'f' and confrelid = of
    )
    select array_agg(of::regclass) into emptied from following;
    if (select max(pg_relation_size(of)) from unnest(emptied) of) > 10_000_000 then
        truncate {EMPTIED} cascade;
    else
        set local session_replication_role = replica;  -- neither triggers nor foreign keys
        foreach one in array emptied loop
            execute format('delete from %s', one);
        end loop;
    end if;
end $$
"""


class RecordedJobs:
    """Jobs that are noted instead of sent: a test performs them when it likes."""

    def __init__(self) -> None:
        self.asked: list[UUID] = []
        self.indexed = 0
        self.documents: list[UUID] = []
        self.advanced: list[tuple[str, UUID]] = []

    def summarize_session(self, session_id: UUID) -> None:
        self.asked.append(session_id)

    def index(self) -> None:
        self.indexed += 1

    def read_document(self, document_id: UUID) -> None:
        self.documents.append(document_id)

    def advance(self, queue: str, step_id: UUID) -> None:
        self.advanced.append((queue, step_id))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With several processes of tests, one of them does all of a file, or of a folder that shares what it starts.

    Marks of groups would say so, too, but what reads them (pytest-xdist 3.8) does not see them under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - only with several processes

    config.option.loadscopereorder = False
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = kept_together
    return scheduler


def kept_together(nodeid: str) -> str:
    file = nodeid.split("::")[0]
    return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(TOGETHER))


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No `.env` and no variables but the necessary ones."""
    before, home = dict(os.environ), Path.cwd()
    os.environ.clear()
    os.environ.update({name: value for name, value in before.items() if name in KEPT}, PYTHONPATH=str(ROOT))
    os.chdir(tmp_path_factory.mktemp("empty"))
    yield
    os.chdir(home)
    os.environ.update(before)


@pytest.fixture(scope="session")
def stores(clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with embedded_stores(tmp_path_factory.mktemp("stores") / "data") as stores:
        migrate(stores.database_url)
        yield stores


def migrate(database_url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": database_url}
    subprocess.run([sys.executable, "-m", "backend.cli", "migrate"], env=environment, check=True, capture_output=True)


@pytest.fixture(scope="session")
def settings(stores: Stores) -> Settings:
    return Settings(database_url=stores.database_url, redis_url=stores.redis_url, turn_wait_seconds=10)


@pytest.fixture(scope="session")
async def pool(settings: Settings) -> AsyncIterator[Database]:
    async with Database(settings.database_url.get_secret_value()) as db:
        # What is committed need not outlive the machine, only Postgres.
        await db.run("alter system set fsync = off")
        await db.run("alter system set full_page_writes = off")
        await db.run("select pg_reload_conf()")
        yield db


@pytest.fixture
async def db(pool: Database) -> AsyncIterator[Database]:
    yield pool
    await forget_what_was_said(pool)
    await pool.run("delete from bots")
    await pool.run("delete from settings")
    await pool.run("delete from macros where slug <> all($1)", SHIPPED)
    await pool.run("update macros set enabled = false where enabled")
    await pool.run("delete from agents where slug <> all($1)", SHIPPED_AGENTS)
    await pool.run("update agents set enabled = false where enabled")
    await pool.run("insert into bots (slug, name) values ('default', 'Assistant')")


async def forget_what_was_said(pool: Database) -> None:
    await pool.run("delete from documents")
    await empty(pool)
    await pool.run("delete from rates")


async def empty(pool: Database) -> None:
    """Tried again where somebody locks the tables in another order."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(StorageUnavailable):
                await pool.run(EMPTY)
                return


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider() as provider:
        yield provider


@pytest.fixture
async def jobs() -> RecordedJobs:
    return RecordedJobs()


@pytest.fixture
async def llm(provider: Provider, settings: Settings) -> AsyncIterator[Llm]:
    """One provider for everything: the simulated one."""
    chain = read_chain("stub:simulated", {"STUB_BASE_URL": provider.base_url})
    talking = set(Purpose) - {Purpose.VISION, Purpose.TRANSCRIPTION}
    llm = Llm(dict.fromkeys(talking, chain), time_limit=5)
    yield llm
    await llm.close()


@pytest.fixture
async def make_backend(settings: Settings, db: Database, llm: Llm, jobs: RecordedJobs) -> AsyncIterator[MakeBackend]:
    """Makes backends with settings of their own, each as good as another process."""
    async with AsyncExitStack() as stack:

        async def make(**changed: Any) -> Backend:
            backend = assemble(settings.model_copy(update=changed), db, llm, jobs)
            await backend.chat.open()
            stack.push_async_callback(backend.chat.close)
            stack.push_async_callback(backend.indexes.close)
            return backend

        yield make


@pytest.fixture
async def backend(make_backend: MakeBackend) -> Backend:
    return await make_backend()
