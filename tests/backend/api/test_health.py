"""Alive, ready, and what can be counted."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import httpx2
from prometheus_client.parser import text_string_to_metric_families

from backend.database import Database
from backend.jobs import mark_worker_alive
from backend.settings import Settings
from tests.backend.api.running import process, stores_of
from tests.processes import unused_port
from tests.simulators.provider import Fails, Provider

HELLO = {"user_id": "anna", "chat_id": "anna", "text": "Hello"}


async def test_a_process_without_its_stores_is_alive_but_not_ready(tmp_path: Path) -> None:
    nowhere = {
        "DATABASE_URL": f"postgresql://llmbot:secret@127.0.0.1:{unused_port()}/llmbot",
        "REDIS_URL": f"redis://:secret@127.0.0.1:{unused_port()}/0",
    }
    output = tmp_path / "output"
    async with process(output, nowhere) as address, aiohttp.ClientSession(address) as http:
        async with http.get("/health") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok"})
        async with http.get("/health/ready") as response:
            assert response.status == 503
            ready = await response.json()
        async with http.post("/v1/chat/handle", json=HELLO) as response:
            assert response.status == 503
            assert response.headers["Retry-After"]
    assert ready["status"] == "not_ready"
    assert {name: part["ok"] for name, part in ready["parts"].items()} == {
        "postgres": False, "broker": False, "worker": False, "models": True, "memory": False,
    }  # fmt: skip
    assert "secret" not in str(ready)
    assert "secret" not in output.read_text()


async def test_an_application_with_its_stores_is_ready(api: httpx2.AsyncClient, settings: Settings) -> None:
    await mark_worker_alive(settings.redis_url.get_secret_value())
    response = await api.get("/health/ready")
    assert response.status_code == 200
    ready = response.json()
    assert ready["status"] == "ready"
    assert {name: part["ok"] for name, part in ready["parts"].items()} == {
        "postgres": True, "broker": True, "worker": True, "models": True, "memory": True,
    }  # fmt: skip
    assert "stub:simulated" in ready["parts"]["models"]["detail"]
    assert ready["parts"]["memory"]["detail"] == "finds by words alone: EMBEDDINGS is empty"


async def test_without_a_broker_messages_are_answered_all_the_same(
    api: httpx2.AsyncClient, settings: Settings, db: Database, tmp_path: Path
) -> None:
    half = stores_of(settings) | {"REDIS_URL": f"redis://127.0.0.1:{unused_port()}/0"}
    async with process(tmp_path / "output", half) as address, aiohttp.ClientSession(address) as http:
        async with http.get("/health/ready") as response:
            assert response.status == 200
            assert not (await response.json())["parts"]["broker"]["ok"]
        async with http.post("/v1/chat/handle", json=HELLO) as response:
            assert response.status == 200


async def counted(api: httpx2.AsyncClient) -> Mapping[tuple[str, str], float]:
    """Turns and calls so far, by how they ended."""
    response = await api.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    total: dict[tuple[str, str], float] = defaultdict(float)
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            if sample.name in ("llmbot_turns_total", "llmbot_llm_calls_total"):
                total[sample.name, sample.labels["outcome"]] += sample.value
    return total


async def test_turns_and_calls_are_counted(api: httpx2.AsyncClient, provider: Provider) -> None:
    before = await counted(api)
    await api.post("/v1/chat/handle", json=HELLO)
    provider.will(Fails(400))
    await api.post("/v1/chat/handle", json=HELLO)
    after = await counted(api)
    more = {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}
    assert more[("llmbot_turns_total", "answered")] == 1
    assert more[("llmbot_turns_total", "no-provider-answered")] == 1
    assert sum(value for (name, _), value in more.items() if name == "llmbot_llm_calls_total") == 2
