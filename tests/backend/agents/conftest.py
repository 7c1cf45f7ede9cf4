from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.bootstrap import Backend
from backend.database import Database
from backend.llm import Llm
from backend.llm.catalog import read_chain
from tests.backend.agents.bench import Bench
from tests.conftest import RecordedJobs
from tests.simulators.provider import Provider


@pytest.fixture
async def second_llm(provider: Provider) -> AsyncIterator[Llm]:
    """Nobody is set up but for a chain of one's own."""
    llm = Llm({}, time_limit=5, read=lambda chain: read_chain(chain, {"OWN_BASE_URL": provider.base_url}))
    yield llm
    await llm.close()


@pytest.fixture
async def bench(db: Database, jobs: RecordedJobs, backend: Backend, tmp_path: Path) -> AsyncIterator[Bench]:
    """With an agent who may do everything there is, and one whose steps fail."""
    await db.run(
        "insert into agents (slug, name, description, instructions, skills) "
        "values ('clerk', 'Clerk', 'Does things.', 'You are a clerk.', '{desk}'), "
        "('trapper', 'Trapper', 'Fails.', 'You fail.', '{trap}')"
    )
    yield Bench(db, jobs, backend, tmp_path)
    await db.run("delete from agents where slug in ('clerk', 'trapper')")
