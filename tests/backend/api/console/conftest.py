from collections.abc import AsyncIterator

import httpx2
import pytest
from pydantic import SecretStr

from backend.database import Database
from backend.settings import Settings
from tests.backend.api.console.visiting import KEY, PASSWORD, entered
from tests.backend.api.running import client_of, serving


@pytest.fixture(scope="package")
def protected(settings: Settings) -> Settings:
    """With a password, and with a key for the API."""
    secrets = {"console_password": SecretStr(PASSWORD), "secret_key": SecretStr(KEY), "api_keys": SecretStr("api-key")}
    return settings.model_copy(update=secrets)


@pytest.fixture(scope="package")
async def protected_application(protected: Settings) -> AsyncIterator[httpx2.ASGITransport]:
    async with serving(protected) as app:
        yield httpx2.ASGITransport(app, client=("203.0.113.7", 50_000))


@pytest.fixture
async def stranger(protected_application: httpx2.ASGITransport, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody in the world."""
    async with httpx2.AsyncClient(transport=protected_application, base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture
async def operator(stranger: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """Who has entered; the code of the forms is in `client.params`, no more."""
    await entered(stranger)
    return stranger


@pytest.fixture
async def at_home(settings: Settings, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    """On the machine itself, where there is neither a password nor a key."""
    async with serving(settings) as app, client_of(app) as client:
        yield client
