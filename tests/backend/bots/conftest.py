import pytest

from backend.bots import Bots, Rules
from backend.database import Database
from tests.backend.bots.tokens import SEAL


@pytest.fixture
async def bots(db: Database) -> Bots:
    return Bots(db, SEAL, Rules())
