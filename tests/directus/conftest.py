"""The panel: its files and its role on a real Postgres always, a real Directus only with `-m directus`."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from backend.bootstrap import Backend
from backend.settings import Settings
from directus.reading import Panel, read_panel
from directus.role import ROLE, apply_role
from tests.backend.chat.conversation import Person

PASSWORD = secrets.token_hex(16)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "directus: starts a real Directus, installed by `make test-directus`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "directus" not in str(config.getoption("markexpr")):
        mine = [item for item in items if item.get_closest_marker("directus")]
        items[:] = [item for item in items if item not in mine]
        config.hook.pytest_deselected(items=mine)


@pytest.fixture(scope="session")
def panel() -> Panel:
    return read_panel()


@pytest.fixture(scope="session")
async def role(settings: Settings, panel: Panel) -> str:
    """The role that Directus works as is there; its password."""
    await apply_role(settings.database_url.get_secret_value(), PASSWORD, panel)
    return PASSWORD


@dataclass(frozen=True, slots=True)
class Operator:
    """Changes rows as Directus does when an operator saves a form: as its role, with its rights."""

    connection: "asyncpg.Connection[asyncpg.Record]"

    async def run(self, statement: str, *values: object) -> list[asyncpg.Record]:
        return await self.connection.fetch(statement, *values)


@pytest.fixture
async def operator(role: str, settings: Settings) -> AsyncIterator[Operator]:
    url = settings.database_url.get_secret_value()
    connection = await asyncpg.connect(url, user=ROLE, password=role)
    yield Operator(connection)
    await connection.close()


@pytest.fixture
def anna(backend: Backend) -> Person:
    return Person(backend)
