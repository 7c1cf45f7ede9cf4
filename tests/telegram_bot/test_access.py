"""Who may talk to the bot is the backend's decision; how they learn of it is the relay's."""

import pytest

from tests.simulators.backend import BackendSimulator, problem
from tests.simulators.telegram import GROUP, IVAN, TelegramSimulator
from tests.telegram_bot.conftest import StartRelay


@pytest.mark.usefixtures("relay")
async def test_only_invited_people_are_answered(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.problems = [problem("not-allowed", 403)]
    telegram.say("hello", person=IVAN)
    assert "кого пригласил" in (await telegram.next_message(IVAN.id))["text"]
    telegram.say("hello")
    assert (await telegram.next_message())["text"] == "echo hello"


@pytest.mark.usefixtures("relay")
async def test_who_must_be_approved_learns_the_code(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.problems = [problem("approval-needed", 403, code="K7QX")]
    telegram.say("hello", person=IVAN)
    assert "K7QX" in (await telegram.next_message(IVAN.id))["text"]


@pytest.mark.usefixtures("relay")
@pytest.mark.parametrize("type", ["not-allowed", "approval-needed"])
async def test_strangers_in_groups_get_silence(
    telegram: TelegramSimulator, backend: BackendSimulator, type: str
) -> None:
    backend.problems = [problem(type, 403, code="K7QX")]
    telegram.say("@test_bot hello", chat=GROUP, person=IVAN)
    await backend.until_asked(1)
    telegram.say("@test_bot hello from Anna", chat=GROUP)
    assert (await telegram.next_message(GROUP["id"]))["text"] == "echo hello from Anna"
    assert len(telegram.calls("sendMessage")) == 1


async def test_the_backend_is_shown_the_first_key(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    async with start_relay(api_keys="first-key, second-key"):
        telegram.say("hello")
        await telegram.next_message()
    assert set(backend.authorizations) == {"Bearer first-key"}
