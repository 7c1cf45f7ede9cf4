"""A Qdrant that is busy, lost, foreign, or somebody else altogether."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from backend.database import Database, TransactionHeld
from backend.memory.vectors import DimensionsDiffer, Qdrant, VectorIndex, VectorStoreUnavailable
from backend.memory.vectors import qdrant_wire as wire
from backend.memory.vectors.qdrant_wire import Refused
from tests.backend.memory.vectors.shelf import DIMENSIONS, some_vectors
from tests.processes import in_time
from tests.simulators.qdrant import Fails, Hangs
from tests.simulators.qdrant import Qdrant as Server

INDEX = VectorIndex(1, "qdrant", "test", DIMENSIONS)
VECTORS = some_vectors(3, seed=1)
SCOPE = uuid4()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with Server(tmp_path, key="right") as server:
        yield server


@pytest.fixture
async def store(server: Server) -> AsyncIterator[Qdrant]:
    """With a vector for each of 1, 2 and 3."""
    store = Qdrant(server.url, "right")
    await store.create(INDEX)
    await store.put(INDEX, [1, 2, 3], [SCOPE] * 3, VECTORS)
    server.calls.clear()
    yield store
    await store.close()


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_server_is_asked_again(server: Server, store: Qdrant, status: int) -> None:
    server.will(Fails(status), Fails(status))
    assert await store.count(INDEX) == 3
    assert server.calls == ["POST /collections/llmbot_1/points/count"] * 3


async def test_a_server_that_stays_busy_is_unavailable(server: Server, store: Qdrant) -> None:
    server.will(*[Fails(503)] * wire.ATTEMPTS)
    with pytest.raises(VectorStoreUnavailable, match="503"):
        await store.count(INDEX)
    assert len(server.calls) == wire.ATTEMPTS


async def test_a_server_that_says_nothing_is_not_waited_for(server: Server, store: Qdrant) -> None:
    server.will(Hangs())
    with pytest.raises(VectorStoreUnavailable, match="3 seconds"):
        await in_time(store.search(INDEX, VECTORS[:1], [SCOPE], 5))
    assert len(server.calls) == 1


async def test_a_slow_server_is_waited_for_by_those_who_write(server: Server, store: Qdrant) -> None:
    server.will(Hangs(wire.READ_SECONDS + 0.5))
    await in_time(store.put(INDEX, [4], [SCOPE], VECTORS[:1]))
    assert await store.ids(INDEX, after=0, limit=9) == [1, 2, 3, 4]


async def test_whoever_else_answers_is_not_believed(server: Server, store: Qdrant) -> None:
    server.will(Fails(200, "<html>Welcome to nginx!</html>"), Fails(404, "<html>Not found</html>"))
    for _ in range(2):
        with pytest.raises(VectorStoreUnavailable, match="something else"):
            await store.count(INDEX)


async def test_a_wrong_key_is_named(server: Server) -> None:
    stranger = Qdrant(server.url, "wrong")
    with pytest.raises(VectorStoreUnavailable, match="QDRANT_API_KEY") as raised:
        await stranger.create(INDEX)
    assert "wrong" not in str(raised.value)
    await stranger.close()


async def test_a_lost_collection_finds_nothing_and_is_made_again_by_the_next_write(store: Qdrant) -> None:
    await store.drop(INDEX)
    for asked in (store.search(INDEX, VECTORS[:1], [SCOPE], 5), store.scores(INDEX, VECTORS, [1])):
        with pytest.raises(VectorStoreUnavailable, match="no /collections/llmbot_1"):
            await asked
    assert (await store.count(INDEX), await store.ids(INDEX, after=0, limit=5)) == (0, [])
    await store.put(INDEX, [2], [SCOPE], VECTORS[:1])
    [[(found, _)]] = await store.search(INDEX, VECTORS[:1], [SCOPE], 5)
    assert found == 2


async def test_a_collection_of_another_database_is_not_touched(store: Qdrant) -> None:
    foreign = VectorIndex(INDEX.id, "qdrant", "another", DIMENSIONS + 1)
    with pytest.raises(DimensionsDiffer, match=r"llmbot_1 holds vectors of 24 .*instead of 25"):
        await store.create(foreign)
    assert await store.count(INDEX) == 3


async def test_what_makes_no_sense_is_refused_at_once(server: Server, store: Qdrant) -> None:
    with pytest.raises(Refused, match="400"):
        await store.delete(INDEX, ["one"])  # type: ignore[list-item]
    assert len(server.calls) == 1


async def test_many_ask_at_once(server: Server, store: Qdrant) -> None:
    counts = await asyncio.gather(*(store.count(INDEX, SCOPE) for _ in range(100)))
    assert counts == [3] * 100


async def test_no_transaction_is_held_meanwhile(store: Qdrant, pool: Database) -> None:
    async with pool.begin():
        with pytest.raises(TransactionHeld):
            await store.count(INDEX)
