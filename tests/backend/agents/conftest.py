from collections.abc import AsyncIterator

import pytest

from backend.llm import Llm
from backend.llm.catalog import read_chain
from tests.simulators.provider import Provider


@pytest.fixture
async def second_llm(provider: Provider) -> AsyncIterator[Llm]:
    """Nobody is set up but for a chain of one's own."""
    llm = Llm({}, time_limit=5, read=lambda chain: read_chain(chain, {"OWN_BASE_URL": provider.base_url}))
    yield llm
    await llm.close()
