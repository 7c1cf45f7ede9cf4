"""How everything is, as the console sees it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import httpx2
import pytest
import redis
from pydantic import SecretStr

from backend.api.console.parts import Look
from backend.api.console.watch import Part, Seen, Watch, as_part
from backend.chat.figures import of_hour
from backend.database import Database
from backend.jobs import mark_worker_alive
from backend.settings import Settings
from tests.backend.api.console.visiting import code_of, fill_in
from tests.backend.api.running import client_of, process, serving, stores_of
from tests.backend.chat.conversation import Person
from tests.conftest import MakeBackend
from tests.processes import in_time, unused_port
from tests.simulators.provider import Answer, Fails, Provider, Usage

NOWHERE = f"127.0.0.1:{unused_port()}"


def parts(seen: Seen) -> dict[str, Part]:
    return {part.look.part: part for part in seen.parts}


async def test_every_part_says_how_it_is_and_since_when(make_backend: MakeBackend, settings: Settings) -> None:
    await mark_worker_alive(settings.redis_url.get_secret_value())
    watch = Watch(await make_backend())
    first = await watch.look()
    assert {name: part.look.note for name, part in parts(first).items()} == {
        "backend": "part.backend", "postgres": "part.postgres", "broker": "part.broker", "worker": "part.worker",
        "memory": "part.memory-words",
    }  # fmt: skip
    assert all(part.look.ok and not part.last_error for part in first.parts)
    second = await watch.look()
    for name in ("backend", "postgres", "worker", "memory"):
        assert parts(second)[name].since == parts(first)[name].since <= first.at
    assert parts(second)["postgres"].since < parts(second)["backend"].since


async def test_a_worker_that_goes_on_is_seen_since_it_began(make_backend: MakeBackend, settings: Settings) -> None:
    url = settings.redis_url.get_secret_value()
    watch = Watch(await make_backend())
    await mark_worker_alive(url)
    began = parts(await watch.look())["worker"].since
    await mark_worker_alive(url)
    assert parts(await watch.look())["worker"].since == began


async def test_jobs_that_wait_are_counted_by_queue(make_backend: MakeBackend, settings: Settings) -> None:
    with redis.from_url(settings.redis_url.get_secret_value()) as broker:
        broker.rpush("low", "one", "two")
        try:
            seen = await Watch(await make_backend()).look()
        finally:
            broker.delete("low")
    assert seen.post
    assert seen.post.waiting["low"] == 2


async def test_without_its_broker_the_rest_is_still_seen(make_backend: MakeBackend) -> None:
    watch = Watch(await make_backend(redis_url=SecretStr(f"redis://{NOWHERE}/0")))
    seen = await watch.look()
    states = {name: (part.look.ok, part.last_error) for name, part in parts(seen).items()}
    assert states["broker"] == (False, "ConnectionError")
    assert states["worker"] == (False, "part.worker-unseen")
    assert states["postgres"] == (True, "")
    assert (seen.post, seen.figures is None) == (None, False)
    again = parts(await watch.look())["broker"]
    assert (again.since, again.last_error_at) == (parts(seen)["broker"].since, parts(seen)["broker"].last_error_at)


def test_what_is_well_again_tells_of_its_last_error() -> None:
    failed = as_part(Look("broker", False, "part.silent", error="ConnectionError"), None)
    since = datetime(2026, 11, 21, tzinfo=UTC)
    well = as_part(Look("broker", True, "part.broker", since=since), failed)
    assert (well.since, well.last_error, well.last_error_at) == (since, "ConnectionError", failed.last_error_at)
    failed_anew = as_part(Look("broker", False, "part.silent", error="TimeoutError"), well)
    assert (failed_anew.last_error, failed_anew.since > since) == ("TimeoutError", True)


async def test_without_its_database_the_page_says_so(settings: Settings, protected: Settings) -> None:
    away = settings.model_copy(update={"database_url": SecretStr(f"postgresql://llmbot@{NOWHERE}/llmbot")})
    async with serving(away) as app, client_of(app) as client:
        page = await client.get("/")
    assert page.status_code == 200
    assert "does not answer" in page.text
    assert "no figures while the database does not answer" in page.text


async def test_figures_are_those_of_turns_and_calls(make_backend: MakeBackend, provider: Provider) -> None:
    backend = await make_backend()
    provider.will(Answer("Hello", usage=Usage(100, 20, cost=0.5)), Answer("Bye", usage=Usage(200, 30, cost=0.25)))
    anna = Person(backend)
    await anna.says("Hi")
    await anna.says("Bye")
    provider.will(Fails(400))
    with pytest.raises(Exception, match="No language model"):
        await anna.says("Once more")
    figures = (await Watch(backend).look()).figures
    assert figures
    assert (figures.day["turns"], figures.day["failed"], figures.unfinished) == (3, 1, 0)
    median, most = figures.day["seconds"]
    assert 0 < median <= most < 60
    assert (len(figures.hour), sum(turns for turns, _ in figures.hour)) == (60, 3)
    [model] = figures.models
    assert (model["provider"], model["model"], model["calls"], model["failed"]) == ("stub", "simulated", 3, 1)
    assert (model["tokens_in"], model["tokens_out"], model["cost"]) == (300, 50, 0.75)
    assert (model["is_well"], model["last_error"], model["ill_since"]) == (False, "refused", model["last_ill"])


async def test_the_last_hour_is_of_sixty_whole_minutes(make_backend: MakeBackend) -> None:
    backend = await make_backend()
    for ago in ("50 seconds", "59 minutes 50 seconds"):
        await Person(backend).says("Hi")
        await backend.db.run(
            "update turns set created_at = now() - $1::text::interval where created_at > now() - interval '40 seconds'",
            ago,
        )
    assert [minute for minute, (turns, _) in enumerate(await of_hour(backend.db)) if turns] == [0, 59]


async def test_a_bot_is_stopped_and_started(operator: httpx2.AsyncClient, db: Database) -> None:
    code = await code_of(operator)
    stopped = await fill_in(operator, "/console/bots/default/stop", {"code": code})
    assert "Start Assistant" in stopped.text
    assert [row["enabled"] for row in await db.run("select enabled from bots")] == [False]
    started = await fill_in(operator, "/console/bots/default/start", {"code": code})
    assert "Stop Assistant" in started.text
    assert [row["enabled"] for row in await db.run("select enabled from bots")] == [True]


@pytest.mark.parametrize(("slug", "order", "status"), [("nobody", "stop", 404), ("default", "burn", 422)])
async def test_other_orders_change_nothing(
    operator: httpx2.AsyncClient, db: Database, slug: str, order: str, status: int
) -> None:
    code = await code_of(operator)
    assert (await fill_in(operator, f"/console/bots/{slug}/{order}", {"code": code})).status_code == status
    assert [row["enabled"] for row in await db.run("select enabled from bots")] == [True]


async def test_names_from_outside_are_shown_as_text(operator: httpx2.AsyncClient, db: Database) -> None:
    await db.run("update bots set name = '<script>alert(1)</script>'")
    page = (await operator.get("/")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


async def test_who_watches_sees_every_look_and_a_backend_that_stops_ends_it(
    settings: Settings, tmp_path: Path, db: Database
) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with process(tmp_path / "output", stores_of(settings)) as address:
            await http.get(f"{address}/")
            stream = await http.get(f"{address}/console/live")
            assert stream.content_type == "text/event-stream"
            for _ in range(2):
                look = await in_time(stream.content.readuntil(b"\n\n"))
                assert look.startswith(b"data: ")
                assert b"Postgres" in look
            began = asyncio.get_running_loop().time()
        assert await in_time(stream.content.read()) is not None
        assert asyncio.get_running_loop().time() - began < 60
