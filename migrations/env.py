"""Alembic's way in: migrations run online, over asyncpg, against DATABASE_URL."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from backend.models import Model
from backend.settings import Settings

ONE_AT_A_TIME = 70_170


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Model.metadata, compare_server_default=True)
    with context.begin_transaction():
        connection.execute(text(f"select pg_advisory_xact_lock({ONE_AT_A_TIME})"))
        context.run_migrations()


async def connect_and_migrate() -> None:
    url = Settings().database_url.get_secret_value()
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(connect_and_migrate())  # noqa: TID251 - a command of its own: this is its one loop
