"""Everything that takes part, running: stores, model, floor, backends and their worker."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import uvloop

from backend.local import Child, Program, Stores, embedded_stores

KEY = "benchmark"


@dataclass(frozen=True, slots=True)
class Programs:
    """The running programs, and where they are."""

    postgres: Child
    model: Child
    floor: Child
    backend: Child
    remembering: Child
    routing: Child
    worker: Child
    database_url: str
    floor_url: str
    backend_url: str
    remembering_url: str
    routing_url: str


@contextmanager
def running(path: Path) -> Iterator[Programs]:
    """All programs, ready, with an empty database in `path`, until the block ends."""
    with embedded_stores(path) as stores, ExitStack() as stack:
        model_url, floor_url, *urls = (f"http://127.0.0.1:{free_port()}" for _ in range(5))
        backend_url, remembering_url, routing_url = urls
        environment = _environment(stores, model_url, backend_url)
        remembers = {"RAG_ENABLED": "true", "PORT": _port(remembering_url)}
        routes = {"GATEWAY_ROUTER": "inline", "PORT": _port(routing_url)}
        subprocess.run([sys.executable, "-m", "backend.cli", "migrate"], env=os.environ | environment, check=True)
        uvloop.run(_enable(stores.database_url))

        def start(name: str, *argv: str, url: str = "", **changed: str) -> Child:
            program = Program(name, argv, environment | changed, ready=lambda: not url or answers(url))
            child = Child(program, path / "logs")
            stack.callback(child.kill)
            child.start()
            return child

        uvicorn = (sys.executable, "-m", "uvicorn", "--no-access-log", "--port", _port(floor_url))
        celery = ("nice", "-n", "5", sys.executable, "-m", "celery", "-A", "backend.worker.app")
        yield Programs(
            postgres=stores.postgres,
            model=start("model", sys.executable, "-m", "benchmarks.turns.stub", _port(model_url), url=model_url),
            floor=start("floor", *uvicorn, "benchmarks.turns.floor:app", url=floor_url),
            backend=start("backend", sys.executable, "-m", "backend.api", url=backend_url),
            remembering=start("remembering", sys.executable, "-m", "backend.api", url=remembering_url, **remembers),
            routing=start("routing", sys.executable, "-m", "backend.api", url=routing_url, **routes),
            worker=start("worker", *celery, "worker", "-B", "-s", str(path / "beat"), "--loglevel", "WARNING"),
            database_url=stores.database_url,
            floor_url=floor_url,
            backend_url=backend_url,
            remembering_url=remembering_url,
            routing_url=routing_url,
        )


def _environment(stores: Stores, model_url: str, backend_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": stores.database_url,
        "REDIS_URL": stores.redis_url,
        "API_KEYS": KEY,
        "LLM_CHAIN": "stub:chat",
        "SUMMARY_LLM_CHAIN": "stub:summary",
        "STUB_BASE_URL": f"{model_url}/v1",
        "MODEL_URL": f"{model_url}/v1",
        "HOST": "127.0.0.1",
        "PORT": _port(backend_url),
        # What is said without memory should not be found by the worker's sweep: it does what was promised.
        "RAG_ENABLED": "false",
        # What is enabled for one backend is enabled for all: those that are not to route are told so.
        "GATEWAY_ROUTER": "off",
        "EMBEDDINGS": "stub:embed",
    }


async def _enable(database_url: str) -> None:
    """All agents and macros that are shipped: the tools that every model is offered, which most people never use."""
    connection = await asyncpg.connect(database_url)
    try:
        for table in ("agents", "macros"):
            await connection.execute(f"update {table} set enabled = true")
    finally:
        await connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _port(url: str) -> str:
    return url.rpartition(":")[2]


def answers(url: str) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", int(_port(url))), timeout=1):
        return True
    return False
