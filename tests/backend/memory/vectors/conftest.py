import os
import random
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from backend.database import Database
from backend.local import Stores, embedded_stores
from backend.local.process import Child, Program
from backend.memory.vectors import PgVector, Qdrant
from tests.backend.memory.vectors.shelf import Shelf, make_index
from tests.conftest import migrate
from tests.processes import unused_port

KEY = "secret"
# A real server, without a key, instead of the simulator. Nobody can kill it from here.
REAL_QDRANT = os.environ.get("TEST_QDRANT_URL", "")


@dataclass(frozen=True, slots=True)
class QdrantServer:
    url: str
    key: str
    process: Child | None


@pytest.fixture(scope="package")
def mortal_stores(clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Stores that a test may kill."""
    with embedded_stores(tmp_path_factory.mktemp("mortal") / "data") as stores:
        migrate(stores.database_url)
        yield stores


@pytest.fixture(scope="package")
async def own_db(mortal_stores: Stores) -> AsyncIterator[Database]:
    async with Database(mortal_stores.database_url) as db:
        # A real Qdrant may hold collections that are not ours, and they are named by these numbers.
        await db.run(f"alter table vector_indexes alter column id restart with {random.randrange(10**9, 2 * 10**9)}")
        yield db


@pytest.fixture(scope="package")
def qdrant(clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[QdrantServer]:
    """A server of its own, which a test may kill."""
    if REAL_QDRANT:
        yield QdrantServer(REAL_QDRANT, "", None)
        return
    home, port = tmp_path_factory.mktemp("qdrant"), unused_port()
    url = f"http://127.0.0.1:{port}"
    command = (sys.executable, "-m", "tests.simulators.qdrant", str(port), str(home / "data"), "--key", KEY)
    process = Child(Program("qdrant", command, ready=lambda: is_ready(url)), home)
    process.start()
    yield QdrantServer(url, KEY, process)
    process.kill()


def is_ready(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=1):
        return True
    return False


@pytest.fixture(params=["pgvector", "qdrant"])
async def shelf(request: pytest.FixtureRequest, mortal_stores: Stores, own_db: Database) -> AsyncIterator[Shelf]:
    async with a_shelf(request, mortal_stores, own_db) as shelf:
        await shelf.store.create(shelf.index)
        yield shelf
        await shelf.store.drop(shelf.index)
    await own_db.run("truncate chat_sessions, vector_indexes, forgotten_vectors cascade")


def a_shelf(request: pytest.FixtureRequest, stores: Stores, db: Database) -> AbstractAsyncContextManager[Shelf]:
    if request.param == "pgvector":
        return shelf_of(PgVector(db), db, stores.postgres)
    server: QdrantServer = request.getfixturevalue("qdrant")
    return shelf_of(Qdrant(server.url, server.key), db, server.process)


@asynccontextmanager
async def shelf_of(store: PgVector | Qdrant, db: Database, process: Child | None) -> AsyncIterator[Shelf]:
    yield Shelf(store, await make_index(db, store.name), db, process)
    await store.close()
