"""Processes and stores that are killed. The whole storm takes minutes: only `-m storm` runs it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from backend.local import embedded_stores
from tests.conftest import migrate
from tests.faults.house import House, open_house
from tests.faults.people import Person


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
