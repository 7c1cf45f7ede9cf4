"""Who may write to the bot, and what the relay shows the backend."""

from tests.simulators.backend import BackendSimulator
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator
from tests.telegram_bot.conftest import StartRelay


async def test_only_invited_people_are_answered(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    async with start_relay(allowed_user_ids=f"{ANNA.id}, 99"):
        for words in ("hello", "/start", "/new"):
            telegram.say(words, person=IVAN)
            assert "кого пригласил" in (await telegram.next_message(IVAN.id))["text"]
        telegram.say("hello")
        assert (await telegram.next_message())["text"] == "echo hello"
    assert [body["user_id"] for body in backend.handled] == [str(ANNA.id)]
    assert not backend.resets


async def test_strangers_in_groups_get_silence(telegram: TelegramSimulator, start_relay: StartRelay) -> None:
    async with start_relay(allowed_user_ids=str(ANNA.id)):
        telegram.say("@test_bot hello", chat=GROUP, person=IVAN)
        telegram.say("/help", chat=GROUP, person=IVAN)
        telegram.say("@test_bot hello from Anna", chat=GROUP)
        assert (await telegram.next_message(GROUP["id"]))["text"] == "echo hello from Anna"
    assert len(telegram.calls("sendMessage")) == 1


async def test_the_backend_is_shown_the_first_key(
    telegram: TelegramSimulator, backend: BackendSimulator, start_relay: StartRelay
) -> None:
    async with start_relay(api_keys="first-key, second-key"):
        telegram.say("hello")
        await telegram.next_message()
    assert backend.authorizations == ["Bearer first-key"]
