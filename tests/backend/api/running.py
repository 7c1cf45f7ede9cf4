"""The application at work: in this process, or as a process of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.app import create_app
from backend.database import Database, Record
from backend.models import Model
from backend.settings import Settings
from tests.processes import unused_port

PATIENCE_SECONDS = 60.0


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[ASGIApp]:
    """The application, from its real start to its real end."""
    app = create_app(settings)
    async with app.router.lifespan_context(app) as state:

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        yield serve


def client_of(app: ASGIApp, *, address: str = "127.0.0.1") -> httpx2.AsyncClient:
    """A client that calls from `address`."""
    transport = httpx2.ASGITransport(app, client=(address, 50_000))
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")


@asynccontextmanager
async def process(output: Path, environment: Mapping[str, str]) -> AsyncIterator[str]:
    """`python -m backend.api`; its address. What it says goes into `output`."""
    port = unused_port()
    with output.open("wb") as stream:
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "backend.api", env={**os.environ, **environment, "PORT": str(port)},
            stdout=stream, stderr=stream,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await _answers(address):
                assert running.returncode is None, f"it has ended: see {output}"
                await asyncio.sleep(0.05)
        yield address
    finally:
        with suppress(ProcessLookupError):
            running.terminate()
        await running.wait()


def stores_of(settings: Settings) -> dict[str, str]:
    """The environment of a process that uses the test's stores."""
    return {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
    }


async def _answers(address: str) -> bool:
    with suppress(aiohttp.ClientConnectionError):
        async with aiohttp.ClientSession() as http, http.get(f"{address}/health"):
            return True
    return False


async def everything(db: Database) -> dict[str, list[Record]]:
    """Every row of every table."""
    return {name: await db.run(f"select * from {name} order by 1") for name in Model.metadata.tables}
