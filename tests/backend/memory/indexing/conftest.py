import pytest

from backend.bootstrap import Backend
from backend.database import Database
from tests.backend.chat.conversation import Person
from tests.backend.memory.indexing.looking import Looking
from tests.conftest import MakeBackend
from tests.simulators.provider import Provider


@pytest.fixture(autouse=True)
def embeds(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two services of one kind: `stub` and `other`."""
    monkeypatch.setenv("STUB_BASE_URL", provider.base_url)
    monkeypatch.setenv("OTHER_BASE_URL", provider.base_url)


@pytest.fixture
async def backend(make_backend: MakeBackend) -> Backend:
    return await make_backend(embeddings="stub:words")


@pytest.fixture
def anna(backend: Backend) -> Person:
    return Person(backend)


@pytest.fixture
def looking(db: Database, backend: Backend) -> Looking:
    return Looking(db, backend.indexes)
