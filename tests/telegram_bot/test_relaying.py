"""What a person sees: the relay between a simulated Telegram and a simulated backend."""

import asyncio

import pytest

from tests.simulators.backend import BackendSimulator, Problem, cut, problem
from tests.simulators.telegram import ANNA, IVAN, TelegramSimulator
from tests.simulators.telegram_calls import Fault

pytestmark = pytest.mark.usefixtures("relay")


async def test_a_message_is_answered(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    said = telegram.say("hello", person=IVAN)
    assert (await telegram.next_message(IVAN.id))["text"] == "echo hello"
    assert backend.handled == [
        {
            "bot": "default",
            "deliver": True,
            "user_id": "43",
            "chat_id": "43",
            "text": "hello",
            "chat_type": "private",
            "user_name": "Иван",
            "language": "ru",
            "key": f"telegram:123456789:43:{said['message_id']}",
        }
    ]


async def test_a_long_answer_comes_in_parts(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    long = "\n\n".join(f"Paragraph {number} " + "слово 🙂 " * 100 for number in range(12))
    backend.answer = lambda text: long
    telegram.say("hello")
    parts = [(await telegram.next_message())["text"] for _ in range(3)]
    assert "".join("".join(parts).split()) == "".join(long.split())


async def test_an_empty_answer_is_not_silence(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.answer = lambda text: " \n"
    telegram.say("hello")
    assert "empty" in (await telegram.next_message())["text"]


async def test_a_burst_is_answered_in_order_and_completely(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    for number in range(20):
        telegram.say(str(number))
    answers = [(await telegram.next_message())["text"] for _ in range(20)]
    assert answers == [f"echo {number}" for number in range(20)]
    assert [body["text"] for body in backend.handled] == [str(number) for number in range(20)]


async def test_the_backend_gets_the_next_message_of_a_conversation_after_the_last_one(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.open.clear()
    telegram.say("first")
    telegram.say("second")
    telegram.say("from somebody else", person=IVAN)
    await backend.until_asked(2)
    backend.open.set()
    assert (await telegram.next_message(IVAN.id))["text"] == "echo from somebody else"
    assert [(await telegram.next_message())["text"] for _ in range(2)] == ["echo first", "echo second"]
    assert len(backend.keys_in) == 3


async def test_a_message_is_stored_while_the_one_before_is_answered(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.answering.clear()
    telegram.say("first")
    telegram.say("second")
    await backend.until_asked(2)
    backend.answering.set()
    assert [(await telegram.next_message())["text"] for _ in range(2)] == ["echo first", "echo second"]


async def test_a_slow_chat_does_not_delay_another(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.open.clear()
    telegram.say("slow")
    await backend.until_asked(1)
    telegram.say("/help", person=IVAN)
    assert "/new" in (await telegram.next_message(IVAN.id))["text"]
    backend.open.set()
    assert (await telegram.next_message())["text"] == "echo slow"
    assert len(backend.handled) == 1


async def test_telegram_keeps_a_message_until_it_is_stored(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.open.clear()
    telegram.say("hello")
    await backend.until_asked(1)
    await telegram.until_called("getUpdates", len(telegram.calls("getUpdates")) + 2)
    assert len(telegram.world.updates) == 1
    backend.answering.clear()
    backend.open.set()
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    assert not telegram.calls("sendMessage")
    backend.answering.set()
    assert (await telegram.next_message())["text"] == "echo hello"


async def test_more_waiting_chats_than_telegram_shows_at_once_do_not_hide_new_ones(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.answering.clear()
    for chat in range(1000, 1120):
        telegram.say("hello", chat={"id": chat, "type": "private", "first_name": "Somebody"})
    await backend.until_asked(120)
    backend.answering.set()
    for chat in range(1000, 1120):
        await telegram.next_message(chat)
    assert len(backend.keys_in) == 120


async def test_typing_is_shown_while_the_answer_is_awaited(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.answering.clear()
    telegram.say("hello")
    calls = await telegram.until_called("sendChatAction")
    assert calls[0].arguments == {"chat_id": "42", "action": "typing"}
    backend.answering.set()
    await telegram.next_message()


@pytest.mark.parametrize(
    "passing",
    [cut, problem("turn-interrupted", 503), problem("storage-unavailable", 503)],
    ids=["cut", "turn-interrupted", "storage-unavailable"],
)
async def test_a_passing_problem_is_met_with_the_same_key(
    telegram: TelegramSimulator, backend: BackendSimulator, passing: Problem
) -> None:
    backend.problems = [passing, passing]
    telegram.say("hello")
    assert (await telegram.next_message())["text"] == "echo hello"
    assert len(backend.keys_in) == 3
    assert len(set(backend.keys_in)) == 1


async def test_a_backend_that_restarts_loses_no_message(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say("before")
    await telegram.next_message()
    await backend.stop()
    telegram.say("meanwhile")
    await telegram.until_called("getUpdates", len(telegram.calls("getUpdates")) + 2)
    await backend.start()
    assert (await telegram.next_message())["text"] == "echo meanwhile"


async def test_a_lasting_problem_is_told_in_the_persons_language(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.fails = ["/problems/no-provider-answered"] * 2
    telegram.say("hello")
    assert "No language model" in (await telegram.next_message())["text"]
    telegram.say("привет", person=IVAN)
    assert "Языковая модель" in (await telegram.next_message(IVAN.id))["text"]
    assert len(backend.keys_in) == 2


async def test_telegrams_wish_to_wait_is_honoured(telegram: TelegramSimulator) -> None:
    telegram.faults = [Fault("sendMessage", code=429, retry_after=1)]
    telegram.say("hello")
    assert (await telegram.next_message())["text"] == "echo hello"
    first, second = telegram.calls("sendMessage")
    assert second.at - first.at >= 1


@pytest.mark.parametrize(
    "fault",
    [Fault("sendMessage", code=500), Fault("sendMessage", drop=True)],
    ids=["failed", "dropped"],
)
async def test_a_message_that_telegram_did_not_take_is_sent_again(telegram: TelegramSimulator, fault: Fault) -> None:
    telegram.faults = [fault]
    telegram.say("hello")
    assert (await telegram.next_message())["text"] == "echo hello"


async def test_typing_that_fails_is_no_reason_to_be_silent(telegram: TelegramSimulator) -> None:
    telegram.faults = [
        Fault("sendChatAction", code=429, retry_after=60),
        Fault("sendChatAction", code=500),
    ]
    telegram.say("hello")
    assert (await telegram.next_message())["text"] == "echo hello"


async def test_a_person_who_blocked_the_bot_disturbs_nobody(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.world.blocked.add(ANNA.id)
    telegram.say("hello")
    (closed,) = await backend.until_delivered(1)
    assert (closed["state"], closed["problem"]) == ("failed", "blocked")
    telegram.say("hello", person=IVAN)
    assert (await telegram.next_message(IVAN.id))["text"] == "echo hello"
    assert len(telegram.calls("sendMessage")) == 2


async def test_a_notice_of_the_chat_gets_no_answer(telegram: TelegramSimulator) -> None:
    telegram.say(message_auto_delete_timer_changed={"message_auto_delete_time": 86400})
    telegram.say("hello")
    assert (await telegram.next_message())["text"] == "echo hello"


async def test_an_update_of_an_unknown_form_hides_no_other(telegram: TelegramSimulator) -> None:
    telegram.world.add_update("message", {"message_id": "of a future version"})
    telegram.say("hello")
    assert (await telegram.next_message())["text"] == "echo hello"
    telegram.world.add_update("message", {"message_id": "of a future version"})
    await telegram.world.until(lambda: not telegram.world.updates, 60)


async def test_telegram_that_fails_for_a_while_is_asked_again(telegram: TelegramSimulator) -> None:
    await telegram.until_called("getUpdates")
    telegram.faults = [Fault("getUpdates", code=500), Fault("getUpdates", drop=True)]
    telegram.say("first")
    await telegram.next_message()
    telegram.say("second")
    assert (await telegram.next_message())["text"] == "echo second"
    assert not telegram.faults


async def test_several_people_are_served_at_once(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.open.clear()
    telegram.say("one")
    telegram.say("two", person=IVAN)
    await backend.until_asked(2)
    backend.open.set()
    await asyncio.gather(telegram.next_message(ANNA.id), telegram.next_message(IVAN.id))
