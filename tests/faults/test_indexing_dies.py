"""Semantic memory when its worker is killed amid ten thousand messages, and Postgres too: everything exactly once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.database import Database, StorageUnavailable
from backend.jobs import Job
from backend.memory.indexing.promises import promise_missing
from tests.faults.house import House
from tests.processes import WorkerProcess, until
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
# Of every piece: how often it has a vector and a length, and whether its words are there as often as in its text.
KEPT = """
select
    (select count(*) from embeddings) as pieces,
    (select count(*) from embeddings where indexed_at is not null and length > 0) as kept,
    (select count(*) from vectors) as vectors,
    (select count(distinct embedding_id) from vectors) as with_vector,
    (select sum(pieces) from scopes) as counted,
    (select sum(length) from scopes) as length,
    (select sum(times) from words) as words,
    (select sum(times) from embeddings cross join lateral words_of(content, '')) as said
"""


@pytest.fixture
async def indexer(house: House, tmp_path: Path) -> AsyncIterator[WorkerProcess]:
    worker = WorkerProcess(house.environment | {"EMBEDDINGS": "stub:words"}, tmp_path)
    yield worker
    await worker.kill()


@pytest.fixture
async def db(house: House) -> AsyncIterator[Database]:
    """Ten thousand messages are promised, and nothing else."""
    async with Database(house.stores.database_url) as db:
        await db.run("truncate chat_sessions, words, scopes, vector_indexes, forgotten_vectors cascade")
        await db.run(SAY, MESSAGES)
        swept = 0
        while swept := await promise_missing(db, after=swept):
            pass
        yield db
        await db.run("truncate chat_sessions, words, scopes, vector_indexes, forgotten_vectors cascade")


async def indexed(db: Database, count: int, worker: WorkerProcess) -> None:
    """Returns once so many pieces have vectors; jobs and leases of the killed are not waited for, but rung anew."""

    async def are() -> bool:
        await worker.revive()
        try:
            await db.run(
                "update vector_indexes set indexing_until = null where indexing_until < now() + interval '25 s'"
            )
            found = (await db.run(INDEXED))[0]["count"]
        except StorageUnavailable:
            return False
        await worker.ring(Job.INDEX)
        return bool(found >= count)

    await until(are, pause=0.2)


async def test_every_message_is_indexed_exactly_once(house: House, db: Database, indexer: WorkerProcess) -> None:
    house.provider.embeddings.usual = Embeds(delay=0.01)
    await indexed(db, 1_000, indexer)
    await indexer.kill()
    await indexed(db, 3_000, indexer)
    async with house.postgres_away():
        await asyncio.sleep(0.5)
    await indexed(db, 4_000, indexer)
    await indexer.kill_busy()
    await indexed(db, MESSAGES, indexer)
    [kept] = await db.run(KEPT)
    pieces = kept["pieces"]
    assert pieces == MESSAGES
    assert [kept[name] for name in ("kept", "vectors", "with_vector", "counted")] == [pieces] * 4
    assert kept["length"] == kept["words"] == kept["said"]
