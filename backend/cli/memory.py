"""`llmbot memory check`, `memory forget` and `reindex`: what semantic memory holds, and no longer, and a new index."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from backend.bootstrap import read_variables, vector_indexes
from backend.database import Database
from backend.errors import Problem, Unavailable
from backend.llm.embedder import EmbedderInvalid
from backend.memory.forgetting import forget_person
from backend.memory.indexing import Indexing, OpenIndex, VectorIndexes
from backend.memory.indexing.differences import Counted
from backend.memory.indexing.reindexing import reindex
from backend.memory.retrieval.search import Retrieval
from backend.memory.vectors import DimensionsDiffer
from backend.settings import Settings

Work = Callable[[Database, VectorIndexes], Awaitable[int]]


def check(settings: Settings) -> int:
    """Counts what Postgres says is indexed and what the store holds; 1 if these differ."""
    return _with_indexes(settings, lambda db, indexes: _check(db, indexes, repair=False))


def repair(settings: Settings) -> int:
    """As `check`, and sees to what differs: vectors of nothing are deleted, and missing ones made by the worker."""
    return _with_indexes(settings, lambda db, indexes: _check(db, indexes, repair=True))


def rebuild(settings: Settings) -> int:
    """Builds an index with the embedder and store of the settings, and switches to it."""
    return _with_indexes(settings, _rebuild)


def forget(settings: Settings, *, user_id: str, bot: str | None) -> int:
    """Deletes what is kept of a person, and prints the receipt; 1 if anything is left."""

    async def work(db: Database, indexes: VectorIndexes) -> int:
        receipt = await forget_person(db, Indexing(db, indexes, remembers=False), Retrieval(db, indexes), user_id, bot)
        for name, count in asdict(receipt).items():
            print(f"{name:<12} {'deleted later: the vector store does not answer' if count is None else count}")
        return 1 if receipt.left or receipt.found else 0

    return _with_indexes(settings, work)


def _with_indexes(settings: Settings, work: Work) -> int:
    with asyncio.Runner() as runner:
        try:
            return runner.run(_work(settings, work))
        except (Problem, EmbedderInvalid) as problem:
            print(problem, file=sys.stderr)
            return 1


async def _work(settings: Settings, work: Work) -> int:
    async with Database(settings.database_url.get_secret_value()) as db:
        indexes = vector_indexes(settings, db, await read_variables(settings))
        try:
            return await work(db, indexes)
        finally:
            await indexes.close()


async def _check(db: Database, indexes: VectorIndexes, *, repair: bool) -> int:
    indexing, found, status = Indexing(db, indexes, remembers=False), await indexes.all(), 0
    if not found:
        print("There is no vector index: what was said is found by words alone.")
    for one in found:
        counted = await indexing.compare(one, repair=repair)
        print(f"{one.index.embedder} in {one.index.store}, {one.index.dimensions} dimensions ({one.state})")
        print(_told(counted))
        if repair and counted.differ:
            missing = "will be made by the worker" if one.is_active else "by `llmbot reindex`"
            print(f"    {counted.strays:,} vectors of nothing deleted; {counted.missing:,} {missing}")
        status |= one.is_active and counted.differ and not repair
        status |= one.is_active and not await _proven(indexes, one)
    return int(status)


async def _proven(indexes: VectorIndexes, one: OpenIndex) -> bool:
    """Whether the index in use is the one that the settings name, and can be written and asked."""
    try:
        differs = indexes.chosen_differs(one.index)
        await indexes.prove(one)
    except (Unavailable, DimensionsDiffer) as problem:
        differs = str(problem)
    if differs:
        print(f"    {differs}")
    return not differs


def _told(counted: Counted) -> str:
    differ = f"; {counted.missing:,} without a vector, {counted.strays:,} vectors of nothing" if counted.differ else ""
    return f"    {counted.rows:,} pieces indexed, {counted.vectors:,} vectors, {counted.pending:,} pending{differ}"


async def _rebuild(db: Database, indexes: VectorIndexes) -> int:
    new = await reindex(db, indexes, _show)
    print(f"\n{new.index.embedder} in {new.index.store} is in use now; the worker drops the old vectors.")
    return 0


def _show(done: int, total: int) -> None:
    print(f"\r{done:,} of {total:,} pieces", end="", flush=True)
