"""The real thing, opened on fresh stores: the database with all migrations, a vector store, indexing and retrieval."""

import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from pydantic import SecretStr

from backend.database import Database
from backend.llm.embedding.types import Embedder
from backend.local import embedded_stores
from backend.memory.indexing import Chosen, Indexing, VectorIndexes
from backend.memory.retrieval.search import Retrieval
from backend.memory.vectors import PgVector
from backend.memory.vectors.qdrant import Qdrant
from backend.memory.vectors.store import VectorStore
from backend.settings import Settings
from tests.backend.api.running import client_of, serving
from tests.simulators.qdrant import Qdrant as SimulatedQdrant

STORES = ("pgvector", "qdrant")


@dataclass(frozen=True, slots=True)
class Memory:
    """The parts of the product that remember and find, and its API."""

    db: Database
    store: VectorStore
    indexes: VectorIndexes
    indexing: Indexing
    retrieval: Retrieval
    api: httpx2.AsyncClient


@contextmanager
def fresh_database() -> Iterator[str]:
    """The address of an empty database with all migrations, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="recall-") as path, embedded_stores(Path(path)) as stores:
        environment = os.environ | {"DATABASE_URL": stores.database_url, "REDIS_URL": stores.redis_url}
        subprocess.run([sys.executable, "-m", "backend.cli", "migrate"], env=environment, check=True)
        yield stores.database_url


@asynccontextmanager
async def opened(database_url: str, store: str, embedder: Embedder) -> AsyncIterator[Memory]:
    """Memory with one embedder in one store; the vectors of Qdrant are where QDRANT_URL says, or simulated."""
    async with Database(database_url) as db, AsyncExitStack() as stack:
        qdrant_url = await _qdrant_url(stack) if store == "qdrant" else ""
        vectors: VectorStore = Qdrant(qdrant_url) if qdrant_url else PgVector(db)
        indexes = VectorIndexes(db, [vectors], lambda _: embedder, Chosen(store, embedder.spec))
        try:
            await indexes.make("active")
            settings = Settings(database_url=SecretStr(database_url), qdrant_url=qdrant_url)
            api = await stack.enter_async_context(client_of(await stack.enter_async_context(serving(settings))))
            indexing = Indexing(db, indexes, remembers=True)
            yield Memory(db, vectors, indexes, indexing, Retrieval(db, indexes), api)
        finally:
            for one in await indexes.all():
                await vectors.drop(one.index)  # Qdrant would keep it
            await indexes.close()


def is_simulated(store: str) -> bool:
    return store == "qdrant" and not os.environ.get("QDRANT_URL")


async def _qdrant_url(stack: AsyncExitStack) -> str:
    if url := os.environ.get("QDRANT_URL"):
        return url
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recall-qdrant-")))
    simulated = await stack.enter_async_context(SimulatedQdrant(directory))
    return f"http://127.0.0.1:{simulated.port}"
