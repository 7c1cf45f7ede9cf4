"""How each part of the house is, by a look at it that costs nothing and waits for nobody."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import redis

from backend.bootstrap import Backend
from backend.database import StorageUnavailable
from backend.errors import Problem
from backend.jobs import Post, look_at_post
from backend.memory.indexing import IndexUnusable
from backend.memory.indexing.vector_indexes import OpenIndex

PATIENCE_SECONDS = 2.0
NOWHERE = UUID(int=0)
POSTGRES = """
select pg_postmaster_start_time() as since, current_setting('server_version') as version,
    pg_size_pretty(pg_database_size(current_database())) as size
"""
INDEX_SINCE = "select created_at from vector_indexes where id = $1"


@dataclass(frozen=True, slots=True)
class Look:
    """How a part was: `note` and its values are words for people; `error` is what somebody else said, in English.

    `since` is what the part itself says; where it says nothing, it is when that was seen first.
    """

    part: str
    ok: bool
    note: str
    values: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    error: str = ""


async def look_at_postgres(backend: Backend) -> Look:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            row = (await backend.db.run(POSTGRES))[0]
    except (TimeoutError, StorageUnavailable) as error:
        return _silent("postgres", error)
    values = {"version": row["version"].partition(" ")[0], "size": row["size"]}
    return Look("postgres", True, "part.postgres", values, row["since"])


async def look_at_broker(backend: Backend) -> tuple[Look, Look, Post | None]:
    """The broker, the workers, and what waits for them."""
    try:
        post = await look_at_post(backend.settings.redis_url.get_secret_value(), PATIENCE_SECONDS)
    except (redis.RedisError, OSError) as error:
        return _silent("broker", error), Look("worker", False, "part.worker-unseen"), None
    broker = Look("broker", True, "part.broker", {"version": post.version}, post.since)
    note = "part.worker" if post.worker_since else "part.worker-gone"
    worker = Look("worker", post.worker_since is not None, note, {"n": post.in_work}, post.worker_since)
    return broker, worker, post


async def look_at_memory(backend: Backend) -> Look:
    """The vectors, if there are any; without, memory finds by words."""
    if not backend.memory.remembers:
        return Look("memory", True, "part.memory-off")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            active = await backend.indexes.active()
            return await _look_at_vectors(backend, active) if active else _no_vectors(backend)
    except IndexUnusable as error:
        return Look("memory", False, "part.memory-words", error=str(error))
    except (TimeoutError, Problem) as error:
        return _silent("memory", error)


async def _look_at_vectors(backend: Backend, active: OpenIndex) -> Look:
    index = active.index
    await active.store.count(index, NOWHERE)
    rows = await backend.db.run(INDEX_SINCE, index.id)
    since = rows[0]["created_at"] if rows else None
    values = {"store": index.store, "embedder": index.embedder}
    differs = backend.indexes.chosen_differs(index)
    return Look("memory", not differs, "part.memory", values, since, differs)


def _no_vectors(backend: Backend) -> Look:
    return Look("memory", True, "part.memory-soon" if backend.indexes.chosen.embedder else "part.memory-words")


def _silent(part: str, error: Exception) -> Look:
    return Look(part, False, "part.silent", error=type(error).__name__)
