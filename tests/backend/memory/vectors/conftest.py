import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from backend.database import Database
from backend.local import Stores, embedded_stores
from backend.memory.vectors import PgVector
from tests.backend.memory.vectors.shelf import Shelf, make_index
from tests.conftest import migrate


@pytest.fixture(scope="package")
def mortal_stores(clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Stores that a test may kill."""
    with embedded_stores(tmp_path_factory.mktemp("mortal") / "data") as stores:
        migrate(stores.database_url)
        yield stores


@pytest.fixture(scope="package")
async def own_db(mortal_stores: Stores) -> AsyncIterator[Database]:
    async with Database(mortal_stores.database_url) as db:
        yield db


@asynccontextmanager
async def pgvector_shelf(stores: Stores, db: Database) -> AsyncIterator[Shelf]:
    async def kill() -> None:
        await asyncio.to_thread(stores.postgres.kill)

    async def revive() -> None:
        await asyncio.to_thread(stores.postgres.start)

    store = PgVector(db)
    yield Shelf(store, await make_index(db, store.name), db, kill, revive)
    await store.close()


SHELVES = {"pgvector": pgvector_shelf}


@pytest.fixture(params=SHELVES)
async def shelf(request: pytest.FixtureRequest, mortal_stores: Stores, own_db: Database) -> AsyncIterator[Shelf]:
    async with SHELVES[request.param](mortal_stores, own_db) as shelf:
        await shelf.store.create(shelf.index)
        yield shelf
        await shelf.store.drop(shelf.index)
    await own_db.run("truncate chat_sessions, vector_indexes, forgotten_vectors cascade")
