"""Alive; ready, part by part; and figures for Prometheus."""

import asyncio
from typing import Literal

import redis
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from backend.api.dependencies import BackendDep
from backend.api.problems import told
from backend.bootstrap import Backend
from backend.database import StorageUnavailable
from backend.errors import Unauthorized
from backend.jobs import is_worker_alive
from backend.llm import Purpose
from backend.llm.catalog import names
from backend.memory.indexing import IndexUnusable

router = APIRouter(tags=["health"])

PATIENCE_SECONDS = 2.0


class Alive(BaseModel):
    status: Literal["ok"] = "ok"


class Part(BaseModel):
    """`detail` is a sentence for people."""

    ok: bool
    detail: str


class Ready(BaseModel):
    status: Literal["ready", "not_ready"]
    parts: dict[str, Part]


@router.get("/health", openapi_extra={"security": []})
async def health() -> Alive:
    """The process answers."""
    return Alive()


@router.get("/health/ready", responses={503: {"model": Ready}, **told(Unauthorized)})
async def ready(backend: BackendDep, response: Response) -> Ready:
    """Whether messages can be answered: they can without broker and worker, only summaries have to wait."""
    postgres, broker, memory = await asyncio.gather(_postgres(backend), _broker(backend), _memory(backend))
    response.status_code = 200 if postgres.ok else 503
    parts = {"postgres": postgres, **broker, "models": _models(backend), "memory": memory}
    return Ready(status="ready" if postgres.ok else "not_ready", parts=parts)


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _postgres(backend: Backend) -> Part:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await backend.db.run("select")
    except (TimeoutError, StorageUnavailable) as error:
        return _silent(error)
    return Part(ok=True, detail="answers")


async def _broker(backend: Backend) -> dict[str, Part]:
    try:
        alive = await is_worker_alive(backend.settings.redis_url.get_secret_value(), PATIENCE_SECONDS)
    except (redis.RedisError, OSError) as error:
        return {"broker": _silent(error), "worker": Part(ok=False, detail="cannot be seen without the broker")}
    worker = Part(ok=alive, detail="works" if alive else "has not been seen for a minute")
    return {"broker": Part(ok=True, detail="answers"), "worker": worker}


async def _memory(backend: Backend) -> Part:
    """Neither embedder nor store is asked: the one costs money, and without the other words are still found."""
    if not backend.memory.remembers:
        return Part(ok=True, detail="is switched off (RAG_ENABLED)")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            active = await backend.indexes.active()
        differs = active and backend.indexes.chosen_differs(active.index)
    except (TimeoutError, StorageUnavailable) as error:
        return _silent(error)
    except IndexUnusable as error:
        return Part(ok=False, detail=f"finds by words alone: {error}")
    if differs:
        return Part(ok=False, detail=differs)
    if active:
        return Part(ok=True, detail=f"finds by words and by meaning: {active.index.embedder} in {active.index.store}")
    chosen = backend.indexes.chosen.embedder
    return Part(
        ok=True, detail=f"finds by words alone: {'no vectors are made yet' if chosen else 'EMBEDDINGS is empty'}"
    )


def _models(backend: Backend) -> Part:
    """Nothing is asked of a provider here: that would cost money at every look."""
    if chain := backend.llm.chain(Purpose.CHAT):
        return Part(ok=True, detail=names(chain))
    return Part(ok=True, detail="no model is configured: the offline provider answers")


def _silent(error: Exception) -> Part:
    return Part(ok=False, detail=f"does not answer ({type(error).__name__})")
