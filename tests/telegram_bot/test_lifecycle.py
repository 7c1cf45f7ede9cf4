"""The relay comes and goes, with or without a token and a Telegram that answers."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from telegram_bot.relay import run
from telegram_bot.settings import Settings
from tests.simulators.backend import BackendSimulator
from tests.simulators.telegram import TelegramSimulator
from tests.telegram_bot.conftest import StartRelay


@pytest.mark.parametrize("token", ["", "not a token"])
async def test_without_a_usable_token_it_waits_until_it_is_stopped(
    telegram: TelegramSimulator, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    stop = asyncio.Event()
    settings = Settings.model_validate({"bot_token": token, "telegram_api_url": telegram.url})
    running = asyncio.ensure_future(run(settings, stop))
    await asyncio.wait([running], timeout=0.1)
    assert not running.done()
    stop.set()
    await running
    assert "set it in .env" in caplog.text
    assert not telegram.journal


async def test_a_refused_token_is_said_clearly_and_tried_again(
    telegram: TelegramSimulator, start_relay: StartRelay, caplog: pytest.LogCaptureFixture
) -> None:
    right, telegram.token = telegram.token, "987654321:another-token-of-the-simulator"
    async with start_relay(bot_token=right):
        await telegram.until_called("getMe", times=2)
        telegram.token = right
        telegram.say("hello")
        assert (await telegram.next_message())["text"] == "echo hello"
    assert [record.getMessage()[-19:] for record in caplog.records if "BOT_TOKEN" in record.message] == [
        "trying again in 1 s",
        "trying again in 2 s",
    ]


class Bell(logging.Handler):
    """Rings when something is logged."""

    def __init__(self, rung: asyncio.Event) -> None:
        super().__init__()
        self.rung = rung

    def emit(self, record: logging.LogRecord) -> None:
        self.rung.set()


@pytest.fixture
def warned() -> Iterator[asyncio.Event]:
    bell = Bell(asyncio.Event())
    logger = logging.getLogger("telegram_bot.polling")
    logger.addHandler(bell)
    yield bell.rung
    logger.removeHandler(bell)


async def test_a_telegram_out_of_reach_is_waited_for(
    start_relay: StartRelay, warned: asyncio.Event, caplog: pytest.LogCaptureFixture
) -> None:
    async with TelegramSimulator() as gone:
        address = gone.url
    async with start_relay(telegram_api_url=address):
        await warned.wait()
        async with TelegramSimulator(port=int(address.rpartition(":")[2])) as telegram:
            telegram.say("hello")
            assert (await telegram.next_message())["text"] == "echo hello"
    assert "cannot be reached" in caplog.text


async def test_a_webhook_left_behind_does_not_keep_updates_away(
    telegram: TelegramSimulator, start_relay: StartRelay
) -> None:
    telegram.world.webhook = "https://bot.example.org"
    telegram.say("hello")
    async with start_relay():
        assert (await telegram.next_message())["text"] == "echo hello"


async def test_what_was_answered_does_not_come_again(telegram: TelegramSimulator, start_relay: StartRelay) -> None:
    async with start_relay():
        telegram.say("hello")
        await telegram.next_message()
    async with start_relay():
        telegram.say("and now")
        assert (await telegram.next_message())["text"] == "echo and now"
    assert not telegram.world.updates


async def test_an_answer_under_way_is_finished_before_the_end(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    backend.open.clear()
    async with start_relay():
        telegram.say("hello")
        await backend.until_asked(1)
        asyncio.get_running_loop().call_later(0.2, backend.open.set)
    assert telegram.calls("sendMessage")[0].status == 200
    assert not telegram.world.updates


async def test_what_cannot_be_finished_in_time_comes_again(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    backend.open.clear()
    async with start_relay(finish_seconds=0.1):
        telegram.say("hello")
        telegram.say("and one more")
        await backend.until_asked(1)
    assert not telegram.calls("sendMessage")
    backend.open.set()
    async with start_relay():
        assert (await telegram.next_message())["text"] == "echo hello"
        assert (await telegram.next_message())["text"] == "echo and one more"
    assert [body["text"] for body in backend.handled] == ["hello", "and one more"]
    assert backend.keys_in[0] == backend.keys_in[1]
