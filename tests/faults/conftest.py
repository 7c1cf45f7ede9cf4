"""Processes and stores that are killed. The whole storm takes minutes: only `-m storm` runs it."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from backend.database import Database
from backend.local import Child, Program, embedded_stores
from tests.conftest import migrate
from tests.faults.errands import SCENES, Errands, environment_of
from tests.faults.house import House, open_house
from tests.faults.killer import Killer
from tests.faults.people import Person
from tests.processes import WorkerProcess, unused_port


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "storm: a thousand messages in a storm of faults")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "storm" not in str(config.getoption("markexpr")):
        mine = [item for item in items if item.get_closest_marker("storm")]
        config.hook.pytest_deselected(items=mine)
        items[:] = [item for item in items if item not in mine]


@pytest.fixture(scope="package")
async def opened(clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The stores are not those of the other tests, since these are killed."""
    with embedded_stores(tmp_path_factory.mktemp("faults") / "data") as stores:
        await asyncio.to_thread(migrate, stores.database_url)
        async with open_house(stores, tmp_path_factory.mktemp("logs")) as house:
            yield house


@pytest.fixture
async def house(opened: House) -> AsyncIterator[House]:
    """Whoever was killed before is there again; afterwards nothing may be stuck."""
    await opened.settle()
    yield opened
    await opened.tables.finished()


@pytest.fixture
async def worker(opened: House) -> None:
    """The worker runs."""
    await opened.worker.revive()


@pytest.fixture
async def no_worker(opened: House) -> None:
    """Nobody sweeps but the backends themselves."""
    await opened.worker.kill()


@pytest.fixture
def anna(house: House) -> Person:
    return house.somebody()


@pytest.fixture(scope="package")
async def diary(opened: House, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, str]]:
    """A server of others that keeps a diary: the file, and MCP_SERVERS."""
    home, port = tmp_path_factory.mktemp("diary"), unused_port()
    command = (sys.executable, "-m", "tests.simulators.mcp_server", "--port", str(port))

    def is_ready() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    server = Child(Program("diary", command, {"DIARY": str(home / "diary")}, ready=is_ready), home)
    await asyncio.to_thread(server.start)
    (home / "diary").touch()
    yield home / "diary", orjson.dumps({"diary": {"url": f"http://127.0.0.1:{port}/mcp"}}).decode()
    server.kill()


@pytest.fixture(scope="package")
async def killer(opened: House) -> AsyncIterator[Killer]:
    async with Killer(opened.stores.database_url) as killer:
        yield killer


@pytest.fixture(scope="module")
async def workers(
    opened: House, killer: Killer, diary: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[WorkerProcess]]:
    """Two of them, behind the killer, who carry runs out."""
    told = opened.environment | environment_of(killer, diary[1], tmp_path_factory.mktemp("workspaces"))
    workers = [WorkerProcess(told, tmp_path_factory.mktemp("worker")) for _ in range(2)]
    for worker in workers:
        await worker.revive()
    yield workers
    for worker in workers:
        await worker.kill()


@pytest.fixture
async def errands(house: House, workers: list[WorkerProcess], diary: tuple[Path, str]) -> AsyncIterator[Errands]:
    house.provider.rule = SCENES
    for worker in workers:
        await worker.revive()
    async with Database(house.stores.database_url) as db:
        yield Errands(db, workers[0], diary[0])
