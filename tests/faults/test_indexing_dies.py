"""Ten thousand messages are to be indexed, and whoever is at it is killed: everything exactly once afterwards."""

import asyncio
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.bootstrap import vector_indexes
from backend.database import Database, StorageUnavailable
from backend.jobs import Job
from backend.local import Child, Program
from backend.memory.indexing import VectorIndexes
from backend.memory.indexing.promises import promise_missing
from backend.settings import Settings, environment
from tests.faults.house import House
from tests.processes import WorkerProcess, until, unused_port
from tests.simulators.embeddings import Embeds

pytestmark = pytest.mark.usefixtures("no_worker")

MESSAGES = 10_000

SAY = """
with session as (
    insert into chat_sessions (bot_id, user_id, chat_id) select id, 'anna', 'anna' from bots limit 1 returning id
)
insert into messages (session_id, position, role, content, tokens)
select id, number, 'user', 'In year ' || number || ' we went to city ' || number % 97, 9
from session cross join generate_series(1, $1) number
"""
INDEXED = "select count(*) from embeddings where indexed_at is not null"
# Of every piece: whether it is indexed, and whether its words are there as often as in its text.
KEPT = """
select
    (select count(*) from embeddings) as pieces,
    (select count(*) from embeddings where indexed_at is not null and length > 0) as kept,
    (select sum(pieces) from scopes) as counted,
    (select sum(length) from scopes) as length,
    (select sum(times) from words) as words,
    (select sum(times) from embeddings cross join lateral words_of(content, '')) as said
"""


EMPTY = "truncate chat_sessions, words, scopes, vector_indexes, forgotten_vectors cascade"
# A process that is alive has renewed its lease in the last two seconds: it works through a batch in a tenth of that.
TIME_OUT_LEASES = "update vector_indexes set indexing_until = null where indexing_until < now() + interval '28 s'"


@dataclass(frozen=True, slots=True)
class Store:
    """Where vectors are kept: the settings that say so, and what can be killed."""

    settings: dict[str, str]
    process: Child


@pytest.fixture(params=["pgvector", "qdrant"])
def store(house: House, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "pgvector":
        yield Store({}, house.stores.postgres)
    else:
        with qdrant(tmp_path) as store:
            yield store


@contextmanager
def qdrant(home: Path) -> Iterator[Store]:
    port = unused_port()
    url = f"http://127.0.0.1:{port}"

    def is_ready() -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=1):
            return True
        return False

    command = (sys.executable, "-m", "tests.simulators.qdrant", str(port), str(home / "vectors"))
    process = Child(Program("qdrant", command, ready=is_ready), home)
    process.start()
    yield Store({"QDRANT_URL": url}, process)
    process.kill()


@pytest.fixture
async def indexer(house: House, store: Store, tmp_path: Path) -> AsyncIterator[WorkerProcess]:
    worker = WorkerProcess(house.environment | store.settings | {"EMBEDDINGS": "stub:words"}, tmp_path)
    yield worker
    await worker.kill()


@pytest.fixture
async def db(house: House) -> AsyncIterator[Database]:
    """Ten thousand messages are promised, and nothing else."""
    async with Database(house.stores.database_url) as db:
        await db.run(EMPTY)
        await db.run(SAY, MESSAGES)
        swept = 0
        while swept := await promise_missing(db, after=swept):
            pass
        yield db
        await db.run(EMPTY)


@pytest.fixture
async def indexes(
    house: House, store: Store, db: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[VectorIndexes]:
    for name, value in (house.environment | store.settings).items():
        monkeypatch.setenv(name, value)
    indexes = vector_indexes(Settings(), db, environment())
    yield indexes
    await indexes.close()


async def indexed(db: Database, count: int, worker: WorkerProcess) -> None:
    """Returns once so many pieces have vectors; for the jobs and leases of the killed nobody waits here."""

    async def are() -> bool:
        await worker.revive()
        try:
            await db.run(TIME_OUT_LEASES)
            found = (await db.run(INDEXED))[0]["count"]
        except StorageUnavailable:
            return False
        await worker.ring(Job.INDEX)
        return bool(found >= count)

    await until(are, pause=0.2)


async def test_every_message_is_indexed_exactly_once(
    house: House, db: Database, indexer: WorkerProcess, store: Store, indexes: VectorIndexes
) -> None:
    house.provider.embeddings.usual = Embeds(delay=0.01)
    await indexed(db, 1_000, indexer)
    await indexer.kill()
    await indexed(db, 3_000, indexer)
    await asyncio.to_thread(store.process.kill)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(store.process.start)
    await indexed(db, 4_000, indexer)
    await indexer.kill_busy()
    await indexed(db, MESSAGES, indexer)
    [kept] = await db.run(KEPT)
    assert [kept[name] for name in ("pieces", "kept", "counted")] == [MESSAGES] * 3
    assert kept["length"] == kept["words"] == kept["said"]
    [one] = await indexes.all()
    vectors = await one.store.ids(one.index, after=0, limit=2 * MESSAGES)
    assert vectors == [row["id"] for row in await db.run("select id from embeddings order by id")]
    assert await one.store.count(one.index) == MESSAGES
