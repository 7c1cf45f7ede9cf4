"""Alive; ready, part by part; and figures for Prometheus."""

import asyncio
from collections.abc import Awaitable
from typing import Literal

import redis.asyncio
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from backend.api.dependencies import BackendDep
from backend.bootstrap import Backend
from backend.database import StorageUnavailable
from backend.jobs import QUEUE
from backend.llm import Purpose
from backend.llm.catalog import names

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


@router.get("/health")
async def health() -> Alive:
    """The process answers."""
    return Alive()


@router.get("/health/ready", responses={503: {"model": Ready}})
async def ready(backend: BackendDep, response: Response) -> Ready:
    """Whether messages can be answered; without a broker they can, but their sessions are not summarized."""
    postgres, broker = await asyncio.gather(_postgres(backend), _broker(backend))
    parts = {"postgres": postgres, "broker": broker, "models": _models(backend)}
    is_ready = all(part.ok for part in parts.values())
    response.status_code = 200 if is_ready else 503
    return Ready(status="ready" if is_ready else "not_ready", parts=parts)


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _postgres(backend: Backend) -> Part:
    return await _answers(backend.db.run("select 1"))


async def _broker(backend: Backend) -> Part:
    url = backend.settings.redis_url.get_secret_value()
    async with redis.asyncio.from_url(
        url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
    ) as client:
        return await _answers(client.llen(QUEUE))


def _models(backend: Backend) -> Part:
    """Nothing is asked of a provider here: that would cost money at every look."""
    if chain := backend.llm.chain(Purpose.CHAT):
        return Part(ok=True, detail=names(chain))
    return Part(ok=True, detail="no model is configured: the offline provider answers")


async def _answers(question: Awaitable[object]) -> Part:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await question
    except (TimeoutError, StorageUnavailable, redis.RedisError, OSError) as error:
        return Part(ok=False, detail=f"does not answer ({type(error).__name__})")
    return Part(ok=True, detail="answers")
