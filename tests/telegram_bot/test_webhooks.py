"""Updates that Telegram sends, instead of being asked for them."""

from collections.abc import AsyncIterator
from io import BytesIO
from socket import socket

import pytest
from aiohttp import ClientSession

from telegram_bot.webhooks import SECRET_HEADER, secret_of
from tests.simulators.backend import SECRET_KEY, BackendSimulator
from tests.simulators.telegram import TelegramSimulator
from tests.simulators.telegram_webhooks import sending_webhooks
from tests.telegram_bot.conftest import StartRelay

BOT_ID = "123456789"


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telegram_bot.webhooks.LOOK_SECONDS", 0.05)


@pytest.fixture
def port() -> int:
    with socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.fixture
async def url(port: int, telegram: TelegramSimulator, start_relay: StartRelay) -> AsyncIterator[str]:
    """Where a relay receives webhooks."""
    url = f"http://127.0.0.1:{port}"
    async with start_relay(telegram_webhook_url=url, telegram_webhook_port=port):
        await telegram.until_called("setWebhook")
        async with sending_webhooks(telegram.worlds.values()):
            yield url


async def test_what_telegram_sends_is_answered(telegram: TelegramSimulator, url: str) -> None:
    telegram.say("hello")
    assert (await telegram.next_message())["text"] == "echo hello"
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    assert telegram.world.webhook == {"url": f"{url}/{BOT_ID}", "secret": secret_of(SECRET_KEY, BOT_ID)}
    assert not telegram.calls("getUpdates")


async def test_an_update_is_taken_when_it_is_stored(
    telegram: TelegramSimulator, backend: BackendSimulator, url: str
) -> None:
    backend.open.clear()
    telegram.say("hello")
    await backend.until_asked(1)
    assert telegram.world.updates
    backend.answering.clear()
    backend.open.set()
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    backend.answering.set()
    assert (await telegram.next_message())["text"] == "echo hello"


@pytest.mark.parametrize("secret", ["", "wrong", secret_of("another-key", BOT_ID), "не ASCII"])
async def test_nobody_else_can_send_updates(
    telegram: TelegramSimulator, backend: BackendSimulator, url: str, secret: str
) -> None:
    async with ClientSession() as http:
        for bot_id in (BOT_ID, "999"):
            async with http.post(f"{url}/{bot_id}", json={"update_id": 1}, headers={SECRET_HEADER: secret}) as response:
                assert response.status == 403
    assert not backend.keys_in


async def test_of_a_bot_that_runs_elsewhere_nothing_is_taken(url: str) -> None:
    headers = {SECRET_HEADER: secret_of(SECRET_KEY, "999")}
    async with ClientSession() as http, http.post(f"{url}/999", json={"update_id": 1}, headers=headers) as response:
        assert response.status == 503


async def test_what_no_version_of_ours_understands_is_not_sent_for_ever(url: str) -> None:
    headers = {SECRET_HEADER: secret_of(SECRET_KEY, BOT_ID)}
    async with ClientSession() as http:
        async with http.post(f"{url}/{BOT_ID}", data=b"[]", headers=headers) as response:
            assert response.status == 200
        async with http.post(f"{url}/{BOT_ID}", data=BytesIO(bytes((1 << 20) + 1)), headers=headers) as response:
            assert response.status == 413


async def test_a_relay_that_asks_for_updates_removes_the_webhook(
    telegram: TelegramSimulator, start_relay: StartRelay
) -> None:
    telegram.world.webhook = {"url": "http://127.0.0.1:1", "secret": ""}
    async with start_relay():
        telegram.say("hello")
        assert (await telegram.next_message())["text"] == "echo hello"


def told(backend: BackendSimulator) -> tuple[str, str] | None:
    """How the bot fares, as the relay last said."""
    report = backend.leases.reported.get("default")
    return (report["state"], report["error"]) if report else None


async def test_an_operator_learns_that_telegram_does_not_reach_us_and_that_it_does_again(
    telegram: TelegramSimulator, backend: BackendSimulator, url: str
) -> None:
    telegram.world.webhook["url"] = "http://127.0.0.1:1"
    telegram.say("hello")
    why = "Telegram does not reach TELEGRAM_WEBHOOK_URL: Connection refused"
    await backend.until(lambda: told(backend) == ("failed", why))
    telegram.world.webhook["url"] = f"{url}/{BOT_ID}"
    assert (await telegram.next_message())["text"] == "echo hello"
    await backend.until(lambda: told(backend) == ("running", ""))


async def test_what_went_wrong_before_is_no_reason(
    telegram: TelegramSimulator, backend: BackendSimulator, port: int, start_relay: StartRelay
) -> None:
    telegram.world.webhook_error = {"last_error_date": 1, "last_error_message": "Connection refused"}
    async with start_relay(telegram_webhook_url=f"http://127.0.0.1:{port}", telegram_webhook_port=port):
        await telegram.until_called("getWebhookInfo", 3)
        await backend.until(lambda: told(backend))
        assert told(backend) == ("running", "")
