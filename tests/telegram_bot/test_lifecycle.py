"""Bots come and go while the relay runs: as the backend says, and as Telegram lets them."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from tests.simulators.backend import BackendSimulator
from tests.simulators.telegram import ANNA, TelegramSimulator
from tests.telegram_bot.conftest import StartRelay

SECOND = "222222222:token-of-the-second-bot"


async def test_without_any_bot_it_waits_until_there_is_one(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    backend.leases.bots.clear()
    async with start_relay():
        await backend.until(lambda: len(backend.leases.beats) >= 2)
        assert not telegram.journal
        backend.enable(telegram.token)
        telegram.say("hello")
        assert (await telegram.next_message())["text"] == "echo hello"


async def test_many_bots_run_in_one_process(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    second = telegram.add_bot(SECOND, "second_bot")
    backend.enable(SECOND, "second")
    async with start_relay():
        telegram.say("hello")
        telegram.say("hello to you", to=second)
        assert (await telegram.next_message())["text"] == "echo hello"
        assert (await telegram.next_message(by=second))["text"] == "echo hello to you"
    assert {body["bot"] for body in backend.handled} == {"default", "second"}


async def test_a_bot_that_is_disabled_stops_and_says_so(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    async with start_relay():
        await backend.until(lambda: state_of(backend) == "running")
        row = backend.leases.bots.pop("default")
        await backend.until(lambda: state_of(backend) == "stopped")
        polls = len(telegram.calls("getUpdates"))
        beats = len(backend.leases.beats)
        await backend.until(lambda: len(backend.leases.beats) > beats)
        assert len(telegram.calls("getUpdates")) == polls
        backend.leases.bots["default"] = row
        telegram.say("hello")
        assert (await telegram.next_message())["text"] == "echo hello"


async def test_a_bot_that_gets_another_token_goes_on_with_that(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    second = telegram.add_bot(SECOND, "second_bot")
    async with start_relay():
        telegram.say("hello")
        await telegram.next_message()
        backend.enable(SECOND)
        telegram.say("hello again", to=second)
        assert (await telegram.next_message(by=second))["text"] == "echo hello again"


async def test_a_token_that_is_merely_sealed_anew_disturbs_nothing(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    async with start_relay():
        await backend.until(lambda: state_of(backend) == "running")
        backend.enable(telegram.token)
        beats = len(backend.leases.beats)
        await backend.until(lambda: len(backend.leases.beats) >= beats + 2)
    assert len(telegram.calls("getMe")) == 1


async def test_a_refused_token_fails_clearly_while_the_others_run(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    backend.enable("987654321:unknown-to-the-simulator", "wrong")
    async with start_relay():
        telegram.say("hello")
        assert (await telegram.next_message())["text"] == "echo hello"
        await telegram.until_called("getMe", times=3)
        await backend.until(lambda: state_of(backend, "wrong") == "failed")
        telegram.add_bot("987654321:unknown-to-the-simulator", "no_longer_wrong")
        await backend.until(lambda: state_of(backend, "wrong") == "running")
    assert backend.leases.reported["wrong"]["username"] == "no_longer_wrong"
    assert backend.leases.reported["default"]["error"] == ""


@pytest.mark.parametrize(
    ("token", "key", "reason"),
    [
        ("1:token", "another-key-of-at-least-32-characters", "sealed with another SECRET_KEY"),
        ("no token", "", "not a token"),
    ],
)
async def test_what_is_no_usable_token_fails_with_the_reason(
    backend: BackendSimulator, start_relay: StartRelay, token: str, key: str, reason: str
) -> None:
    backend.enable(token, "wrong", **({"key": key} if key else {}))
    async with start_relay():
        await backend.until(lambda: state_of(backend, "wrong") == "failed")
        assert reason in backend.leases.reported["wrong"]["error"]
        backend.leases.bots.pop("wrong")
        await backend.until(lambda: state_of(backend, "wrong") == "stopped")


async def test_without_a_secret_key_it_says_what_is_missing(backend: BackendSimulator, start_relay: StartRelay) -> None:
    async with start_relay(secret_key=()):
        await backend.until(lambda: state_of(backend) == "failed")
    assert "SECRET_KEY is not set" in backend.leases.reported["default"]["error"]


async def test_somebody_else_who_receives_is_told_and_waited_for(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    async with start_relay():
        await backend.until(lambda: state_of(backend) == "running")
        telegram.world.webhook = {"url": "http://127.0.0.1:1", "secret": ""}
        telegram.say("hello")
        await backend.until(lambda: state_of(backend) == "failed")
        assert "another program" in backend.leases.reported["default"]["error"]
        telegram.world.webhook = {}
        assert (await telegram.next_message())["text"] == "echo hello"


async def test_a_telegram_out_of_reach_is_waited_for(backend: BackendSimulator, start_relay: StartRelay) -> None:
    async with TelegramSimulator() as gone:
        address = gone.url
    async with start_relay(telegram_api_url=address):
        await backend.until(lambda: state_of(backend) == "failed")
        assert "cannot be reached" in backend.leases.reported["default"]["error"]
        async with TelegramSimulator(port=int(address.rpartition(":")[2])) as telegram:
            telegram.say("hello")
            assert (await telegram.next_message())["text"] == "echo hello"


async def test_a_webhook_left_behind_does_not_keep_updates_away(
    telegram: TelegramSimulator, start_relay: StartRelay
) -> None:
    telegram.world.webhook = {"url": "https://bot.example.org", "secret": ""}
    telegram.say("hello")
    async with start_relay():
        assert (await telegram.next_message())["text"] == "echo hello"


async def test_what_was_stored_does_not_come_again(telegram: TelegramSimulator, start_relay: StartRelay) -> None:
    async with start_relay():
        telegram.say("hello")
        await telegram.next_message()
    async with start_relay():
        telegram.say("and now")
        assert (await telegram.next_message())["text"] == "echo and now"
    await telegram.world.until(lambda: not telegram.world.updates, 60)


async def test_an_answer_that_is_not_there_at_the_end_comes_after_the_next_start(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    backend.answering.clear()
    async with start_relay():
        telegram.say("hello")
        await telegram.world.until(lambda: not telegram.world.updates, 60)
    assert not telegram.calls("sendMessage")
    backend.answering.set()
    async with start_relay():
        backend.deliveries.add(bot="default", kind="answer", text="later", turn_id="7", chat_id=str(ANNA.id))
        assert (await telegram.next_message())["text"] == "later"


async def test_what_cannot_be_stored_in_time_comes_again(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    backend.open.clear()
    async with start_relay():
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


async def test_a_stop_frees_the_bots_for_others(backend: BackendSimulator, start_relay: StartRelay) -> None:
    async with start_relay():
        await backend.until(lambda: state_of(backend) == "running")
    assert backend.leases.left == backend.leases.beats[:1]
    assert not backend.leases.holders


async def test_when_beats_fail_for_too_long_nothing_is_received_until_one_succeeds(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay, warned: asyncio.Event
) -> None:
    backend.leases.seconds = 3.0
    async with start_relay():
        await telegram.until_called("getUpdates")
        await backend.stop()
        await warned.wait()
        telegram.say("meanwhile")
        polls = len(telegram.calls("getUpdates"))
        await backend.start()
        assert (await telegram.next_message())["text"] == "echo meanwhile"
        assert len(telegram.calls("getMe")) == 2
        assert len(telegram.calls("getUpdates")) > polls


class Bell(logging.Handler):
    """Rings when these words are logged."""

    def __init__(self, words: str, rung: asyncio.Event) -> None:
        super().__init__()
        self.words, self.rung = words, rung

    def emit(self, record: logging.LogRecord) -> None:
        if self.words in record.getMessage():
            self.rung.set()


@pytest.fixture
def warned() -> Iterator[asyncio.Event]:
    bell = Bell("all bots are stopped", asyncio.Event())
    logger = logging.getLogger("telegram_bot.relay")
    logger.addHandler(bell)
    yield bell.rung
    logger.removeHandler(bell)


def state_of(backend: BackendSimulator, slug: str = "default") -> str:
    """As the relay told it last."""
    return str(backend.leases.reported.get(slug, {}).get("state", ""))
