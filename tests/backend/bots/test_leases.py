"""A bot is run by one relay at a time, and by another one when that is gone."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from backend.bots import Bots, Rules, Told
from backend.database import Database
from backend.settings import Settings
from tests.backend.bots.tokens import SEAL, token

ONE, OTHER = UUID(int=1), UUID(int=2)


async def slugs(bots: Bots, relay: UUID, *told: Told) -> list[str]:
    return [row["slug"] for row in await bots.beat(relay, told)]


async def let_time_pass(db: Database) -> None:
    """As if nobody had been heard of for longer than a lease lasts."""
    await db.run("update pollers set lease_until = now() - interval '1 second'")


@pytest.fixture
async def two(bots: Bots) -> None:
    for number, slug in enumerate(("anna", "boris"), start=1):
        await bots.add(slug, {"token": token(number)})


@pytest.mark.usefixtures("two")
async def test_a_relay_gets_what_it_needs_to_run_a_bot(bots: Bots) -> None:
    await bots.change("anna", {"name": "Anna", "language": "ru", "called": ["Аня"], "keywords": ["cat"]})
    anna, boris = await bots.beat(ONE, [])
    assert SEAL.open(anna["sealed_token"]) == token(1)
    told = {name: anna[name] for name in ("slug", "telegram_id", "name", "language", "triggers", "called", "keywords")}
    assert told == {
        "slug": "anna", "telegram_id": "1", "name": "Anna", "language": "ru",
        "triggers": ["mention", "reply", "command"], "called": ["Аня"], "keywords": ["cat"],
    }  # fmt: skip
    assert boris["slug"] == "boris"


@pytest.mark.usefixtures("two")
async def test_a_held_bot_is_nobody_elses(bots: Bots) -> None:
    assert await slugs(bots, ONE) == ["anna", "boris"]
    assert await slugs(bots, OTHER) == []
    assert await slugs(bots, ONE) == ["anna", "boris"]


@pytest.mark.usefixtures("two")
async def test_a_beat_keeps_the_lease(bots: Bots, db: Database) -> None:
    await slugs(bots, ONE)
    await db.run("update pollers set lease_until = now() + interval '1 second'")
    await slugs(bots, ONE)
    [row] = await db.run("select min(lease_until) - now() > interval '5 seconds' as long from pollers")
    assert row["long"]


@pytest.mark.usefixtures("two")
async def test_another_relay_goes_on_when_one_is_silent(bots: Bots, db: Database) -> None:
    await slugs(bots, ONE)
    await let_time_pass(db)
    assert await slugs(bots, OTHER) == ["anna", "boris"]
    assert await slugs(bots, ONE, Told("anna", "running")) == []
    assert (await bots.get("anna"))["state"] == "pending"


@pytest.mark.usefixtures("two")
async def test_another_relay_goes_on_at_once_when_one_ends(bots: Bots) -> None:
    await slugs(bots, ONE)
    await bots.free(OTHER)
    assert await slugs(bots, OTHER) == []
    await bots.free(ONE)
    assert (await bots.get("anna"))["state"] == "pending"
    assert await slugs(bots, OTHER) == ["anna", "boris"]


async def test_a_bot_without_a_token_or_stopped_is_run_by_nobody(bots: Bots) -> None:
    await bots.add("silent", {})
    await bots.add("stopped", {"token": token(), "enabled": False})
    assert await slugs(bots, ONE) == []
    assert [(await bots.get(slug))["state"] for slug in ("silent", "stopped")] == ["stopped", "stopped"]


@pytest.mark.usefixtures("two")
async def test_a_stopped_bot_ends_when_its_relay_says_so(bots: Bots, db: Database) -> None:
    await slugs(bots, ONE)
    await slugs(bots, ONE, Told("anna", "running"), Told("boris", "running"))
    await bots.change("anna", {"enabled": False})
    assert await slugs(bots, ONE, Told("anna", "running"), Told("boris", "running")) == ["boris"]
    assert (await bots.get("anna"))["state"] == "running"
    await slugs(bots, ONE, Told("anna", "stopped"), Told("boris", "running"))
    assert (await bots.get("anna"))["state"] == "stopped"
    await bots.change("anna", {"enabled": True})
    assert await slugs(bots, OTHER) == ["anna"]


@pytest.mark.usefixtures("two")
async def test_a_bot_that_nobody_runs_is_pending(bots: Bots) -> None:
    anna = await bots.get("anna")
    assert (anna["state"], anna["state_since"], anna["heartbeat_at"], anna["last_error"]) == ("pending", None, None, "")


@pytest.mark.usefixtures("two")
async def test_a_state_is_as_old_as_it_is(bots: Bots) -> None:
    await slugs(bots, ONE, Told("anna", "running"))
    first = await bots.get("anna")
    await slugs(bots, ONE, Told("anna", "running", username="anna_bot"))
    second = await bots.get("anna")
    assert (second["state"], second["username"]) == ("running", "anna_bot")
    assert second["state_since"] == first["state_since"]
    assert second["heartbeat_at"] > first["heartbeat_at"]
    await slugs(bots, ONE, Told("anna", "failed", "Telegram is away"))
    assert (await bots.get("anna"))["state_since"] > second["state_since"]


@pytest.mark.usefixtures("two")
async def test_an_error_is_kept_with_the_time_when_it_began(bots: Bots) -> None:
    await slugs(bots, ONE, Told("anna", "running"))
    await slugs(bots, ONE, Told("anna", "failed", f"no answer from https://api.telegram.org/bot{token()}/getMe"))
    first = await bots.get("anna")
    assert first["last_error"] == "no answer from https://api.telegram.org/bot…/getMe"
    await slugs(bots, ONE, Told("anna", "failed", f"no answer from https://api.telegram.org/bot{token()}/getMe"))
    assert (await bots.get("anna"))["last_error_at"] == first["last_error_at"]
    await slugs(bots, ONE, Told("anna", "running"))
    assert (await bots.get("anna"))["last_error"] == first["last_error"]
    await slugs(bots, ONE, Told("anna", "failed", "another one"))
    last = await bots.get("anna")
    assert last["last_error"] == "another one"
    assert last["last_error_at"] > first["last_error_at"]


@pytest.mark.usefixtures("two")
async def test_what_a_relay_says_of_others_changes_nothing(bots: Bots) -> None:
    await slugs(bots, ONE, Told("anna", "running"))
    said = (Told("anna", "failed", "no", "stolen"), Told("nobody", "running"), Told("anna", "stopped"))
    assert await slugs(bots, OTHER, *said) == []
    anna = await bots.get("anna")
    assert (anna["state"], anna["username"], anna["last_error"]) == ("running", "", "")


async def test_of_relays_that_ask_at_once_one_gets_each_bot(bots: Bots, db: Database, settings: Settings) -> None:
    """From two pools, as two backends would, again and again."""
    for number in range(1, 6):
        await bots.add(f"bot{number}", {"token": token(number)})
    async with Database(settings.database_url.get_secret_value()) as second:
        backends = (bots, Bots(second, SEAL, Rules()))
        for _ in range(30):
            relays = [uuid4() for _ in range(8)]
            given: Sequence[list[str]] = await asyncio.gather(
                *(slugs(backends[place % 2], relay) for place, relay in enumerate(relays))
            )
            assert sorted(slug for held in given for slug in held) == [f"bot{number}" for number in range(1, 6)]
            await let_time_pass(db)
