"""The panel: its files and its role on a real Postgres always, a real Directus only with `-m directus`."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import pytest

from backend.bootstrap import Backend
from backend.settings import Settings
from directus.client import Client
from directus.reading import Panel, read_panel
from directus.role import ROLE, apply_role
from tests.backend.chat.conversation import Person
from tests.backend.chat.test_delivering import sends
from tests.directus.house import NPM, PROGRAM, House, dump

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
async def role_password(settings: Settings, panel: Panel) -> str:
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
async def operator(role_password: str, settings: Settings) -> AsyncIterator[Operator]:
    url = settings.database_url.get_secret_value()
    connection = await asyncpg.connect(url, user=ROLE, password=role_password)
    yield Operator(connection)
    await connection.close()


@pytest.fixture
def anna(backend: Backend) -> Person:
    return Person(backend)


@pytest.fixture(scope="package")
def dump_before(role_password: str, settings: Settings) -> list[str]:
    return dump(settings.database_url.get_secret_value())


@pytest.fixture(scope="package")
def house(
    dump_before: list[str], role_password: str, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """Directus, set up."""
    if not PROGRAM.exists():
        pytest.skip(f"there is no Directus in {NPM}: `make test-directus` installs it")
    house = House(settings.database_url.get_secret_value(), role_password, tmp_path_factory.mktemp("directus"))
    try:
        house.start()
        assert house.apply().startswith("The panel is set up")
        yield house
    finally:
        house.stop()


@pytest.fixture(scope="package")
async def people(house: House) -> AsyncIterator[dict[str, Client]]:
    """Everybody, logged in."""
    async with AsyncExitStack() as stack:
        clients = {}
        for who, person in house.people.items():
            clients[who] = await stack.enter_async_context(Client(house.url))
            await clients[who].log_in(person.email, person.password)
        yield clients


@pytest.fixture
async def session_id(anna: Person) -> UUID:
    """A session of somebody who is handed deliveries."""
    await sends(anna, "Hello")
    [row] = await anna.backend.db.run("select id from chat_sessions")
    return UUID(str(row["id"]))
