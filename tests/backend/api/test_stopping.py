"""A backend that is told to stop keeps nobody waiting, and loses nothing."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from backend.database import Database
from backend.settings import Settings
from tests.backend.api.running import process, stores_of
from tests.backend.api.test_sockets import read_events
from tests.simulators.provider import Answer, Provider

PATIENCE = aiohttp.ClientTimeout(total=60)
HELLO = {"user_id": "anna", "chat_id": "anna", "text": "Hello", "key": "k"}
TO_DELIVER = HELLO | {"deliver": True}


@pytest.fixture
def environment(settings: Settings, provider: Provider) -> dict[str, str]:
    return stores_of(settings) | {"LLM_CHAIN": "stub:simulated", "STUB_BASE_URL": provider.base_url}


async def test_who_waits_for_deliveries_is_told_at_once_that_there_are_none(
    environment: dict[str, str], tmp_path: Path, provider: Provider, db: Database
) -> None:
    provider.will(Answer(delay=3600))
    async with aiohttp.ClientSession(timeout=PATIENCE) as http:
        async with process(tmp_path / "output", environment) as address:
            waiting = asyncio.ensure_future(http.get(f"{address}/v1/relays/{uuid4()}/deliveries?wait=30"))
            listening = await http.post(f"{address}/v1/chat/stream", json=TO_DELIVER)
            # The same message again: its turn is carried out by the same process, and followed from outside.
            again = await http.post(f"{address}/v1/chat/stream", json=TO_DELIVER)
            await provider.called()
        assert (await (await waiting).json())["data"] == []
        for stream in (listening, again):
            assert [name for name, _ in read_events(await stream.text())] == ["accepted"]
    assert await db.run("select from turns where problem is null"), "another process answers it"


async def test_who_waits_for_a_plain_answer_gets_it(
    environment: dict[str, str], tmp_path: Path, provider: Provider, db: Database
) -> None:
    gate = asyncio.Event()
    provider.will(Answer("Goodbye", gate=gate), Answer(delay=3600))
    async with aiohttp.ClientSession(timeout=PATIENCE) as http:
        async with process(tmp_path / "output", environment) as address:
            asking = asyncio.ensure_future(http.post(f"{address}/v1/chat/handle", json=HELLO))
            await provider.called()
            stream = await http.post(f"{address}/v1/chat/stream", json=TO_DELIVER | {"user_id": "boris"})
            asyncio.ensure_future(stream.text()).add_done_callback(lambda _: gate.set())  # it has been told to stop
        assert json.loads(await (await asking).text())["text"] == "Goodbye"
