"""A token is proven by asking Telegram, and is never shown, whatever Telegram answers."""

import traceback
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from backend.bots import BotNotFound, Bots, Rules, Seal, TelegramUnavailable
from backend.database import Database
from tests.backend.bots.tokens import KEY, OTHER_KEY, SEAL, token
from tests.processes import unused_port
from tests.simulators.telegram import TelegramSimulator

TOKEN = token(123456789)

Asking = Callable[[str], Bots]


@pytest.fixture
def asking(db: Database) -> Asking:
    return lambda server: Bots(db, SEAL, Rules(), telegram=server)


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramSimulator]:
    async with TelegramSimulator(TOKEN) as telegram:
        yield telegram


@pytest.fixture
async def talkative() -> AsyncIterator[str]:
    """A server that repeats the address it was asked at, as a proxy does in its pages."""
    app = web.Application()

    async def repeat(request: web.Request) -> web.Response:
        return web.Response(text=f"<html>There is nothing at {request.url}</html>", content_type="text/html")

    app.router.add_get("/{path:.*}", repeat)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_telegram_tells_whose_token_it_is(asking: Asking, telegram: TelegramSimulator) -> None:
    bots = asking(telegram.url)
    await bots.add("good", {"token": TOKEN})
    finding = await bots.check("good")
    assert (finding.part, finding.ok) == ("bot good", True)
    assert finding.detail.startswith("is @")
    assert f"is @{await bots.username_of(TOKEN)} in Telegram" == finding.detail


async def test_a_token_that_telegram_does_not_know_is_found(asking: Asking, telegram: TelegramSimulator) -> None:
    bots = asking(telegram.url)
    await bots.add("bad", {"token": token()})
    finding = await bots.check("bad")
    assert (finding.ok, finding.detail) == (False, "has a token that Telegram does not know")
    assert await bots.username_of(token()) is None


async def test_a_bot_without_a_token_or_with_another_key_is_found(asking: Asking, db: Database) -> None:
    bots = asking("http://127.0.0.1:1")
    await bots.add("silent", {})
    await bots.add("sealed", {"token": token()})
    assert (await bots.check("silent")).detail == "has no token"
    other = Bots(db, Seal([OTHER_KEY]), Rules())
    assert "No key of SECRET_KEY opens this token" in (await other.check("sealed")).detail
    assert "is not set" in (await Bots(db, Seal([]), Rules()).check("sealed")).detail
    with pytest.raises(BotNotFound):
        await bots.check("nobody")


@pytest.mark.parametrize("server", ["nobody", "talkative", "no address"])
async def test_no_trouble_with_telegram_shows_the_token(
    asking: Asking, talkative: str, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    servers = {"nobody": f"http://127.0.0.1:{unused_port()}", "talkative": talkative, "no address": "ftp://é é"}
    bots = asking(servers[server])
    await bots.add("bot", {"token": token()})
    finding = await bots.check("bot")
    assert not finding.ok
    with pytest.raises(TelegramUnavailable) as unavailable:
        await bots.username_of(token())
    told = "".join(traceback.format_exception(unavailable.value))
    for said in (str(finding), told, str(unavailable.value.body()), caplog.text):
        assert token() not in said
        assert token().split(":")[1] not in said


async def test_all_tokens_get_the_first_key_at_once(db: Database, bots: Bots) -> None:
    for number, slug in enumerate(("anna", "boris"), start=1):
        await bots.add(slug, {"token": token(number)})
    await bots.add("silent", {})
    assert await Bots(db, Seal([OTHER_KEY, KEY]), Rules()).rotate() == 2
    rows = await db.run("select sealed_token from bots where sealed_token is not null order by slug")
    assert [Seal([OTHER_KEY]).open(row["sealed_token"]) for row in rows] == [token(1), token(2)]


async def test_a_bot_adopts_a_token_once(db: Database, bots: Bots) -> None:
    assert await bots.adopt("default", token(1))
    [before] = await db.run("select sealed_token from bots where slug = 'default'")
    assert not await bots.adopt("default", token(1))
    assert await db.run("select sealed_token from bots where slug = 'default'") == [before]
    assert await bots.adopt("default", token(2))
    assert (await bots.get("default"))["telegram_id"] == "2"
    renewed = Bots(db, Seal([OTHER_KEY]), Rules())
    assert await renewed.adopt("default", token(2))
    assert not await renewed.adopt("default", token(2))
