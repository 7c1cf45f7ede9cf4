from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from backend.database import Database
from backend.settings import Settings
from tests.backend.api.running import client_of, process, serving, stores_of
from tests.simulators.provider import Provider


@pytest.fixture
def asking_the_provider(settings: Settings, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("STUB_BASE_URL", provider.base_url)
    return settings.model_copy(update={"llm_chain": "stub:simulated"})


@pytest.fixture
async def api(asking_the_provider: Settings, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application whose models are the simulated provider."""
    async with serving(asking_the_provider) as app, client_of(app) as client:
        yield client


@pytest.fixture(scope="package")
async def offline_application(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """Elsewhere it would adopt turns that a test gives up."""
    async with serving(settings) as app, client_of(app) as client:
        yield client


@pytest.fixture
async def offline_api(offline_application: httpx2.AsyncClient, db: Database) -> httpx2.AsyncClient:
    """A client of an application without models: fast, where it is not about answers."""
    return offline_application


@pytest.fixture(scope="module")
async def live_provider() -> AsyncIterator[Provider]:
    async with Provider() as provider:
        yield provider


@pytest.fixture(scope="module")
async def live(
    settings: Settings, live_provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The address of a backend process of its own, whose models are `live_provider`."""
    models = {"LLM_CHAIN": "stub:simulated", "STUB_BASE_URL": live_provider.base_url}
    output: Path = tmp_path_factory.mktemp("live") / "output"
    async with process(output, stores_of(settings) | models) as address:
        yield address
