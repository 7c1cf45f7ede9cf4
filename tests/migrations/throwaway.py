"""A database for one test, on the same server as the others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from backend.database import Database
from backend.settings import Settings


@asynccontextmanager
async def throwaway_database(settings: Settings, pool: Database) -> AsyncIterator[str]:
    """The URL of an empty database, dropped at the end."""
    name = f"throwaway_{uuid4().hex}"
    # Both wait for everything to be on disk, perhaps for longer than a statement of the product may take.
    connection = await pool.connect()
    try:
        await connection.execute(f"create database {name}")
        yield settings.database_url.get_secret_value().rpartition("/")[0] + f"/{name}"
    finally:
        await connection.execute(f"drop database if exists {name} with (force)")
        await connection.close()
