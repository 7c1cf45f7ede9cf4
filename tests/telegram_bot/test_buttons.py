"""Buttons under messages: every press is answered, and only for whom the button is."""

from typing import Any

import pytest

from tests.simulators.backend import BackendSimulator, problem
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator
from tests.simulators.telegram_world import Person

pytestmark = pytest.mark.usefixtures("relay")

CHAT = GROUP["id"]
Json = dict[str, Any]


async def answered(telegram: TelegramSimulator, times: int = 1) -> Json:
    """What the newest press was answered with."""
    return (await telegram.until_called("answerCallbackQuery", times))[-1].arguments


def shown(telegram: TelegramSimulator, data: str, chat: Json | None = None, **fields: Any) -> Json:
    """A message of the bot with a button."""
    chat = chat or {"id": ANNA.id, "type": "private", "first_name": "Anna"}
    telegram.world.know_chat(chat)
    markup = {"inline_keyboard": [[{"text": "Press", "callback_data": data}]]}
    return telegram.world.add_message(chat, telegram.world.me, text="Something", reply_markup=markup, **fields)


async def test_a_closed_dialogue_is_taken_back(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    session_id = backend.people.talk(ANNA.id, ANNA.id)
    telegram.say("/new")
    message = await telegram.next_message()
    telegram.press(message, "↩️ Undo")
    assert "is back" in (await answered(telegram))["text"]
    assert backend.people.called("reopen") == [{"id": session_id}]
    await telegram.until_called("editMessageText")
    assert "is back" in telegram.world.messages[ANNA.id][message["message_id"]]["text"]
    assert not telegram.world.messages[ANNA.id][message["message_id"]]["reply_markup"]


@pytest.mark.parametrize("type", ["session-moved-on", "session-not-found"])
async def test_half_a_minute_later_the_button_says_that_it_is_too_late(
    telegram: TelegramSimulator, backend: BackendSimulator, type: str
) -> None:
    backend.people.talk(ANNA.id, ANNA.id)
    telegram.say("/clear", person=ANNA)
    message = await telegram.next_message()
    backend.problems = [problem(type, 409)]
    telegram.press(message, "↩️ Undo")
    said = await answered(telegram)
    assert "Too late" in said["text"]
    assert said["show_alert"] is True
    await telegram.until_called("editMessageReplyMarkup")


@pytest.mark.parametrize("data", ["stop:42", "undo:5f1f6ad1-6c8c-4c55-9a5c-4f5d1f6b1c61:42"])
async def test_another_persons_button_is_refused_kindly(
    telegram: TelegramSimulator, backend: BackendSimulator, data: str
) -> None:
    telegram.press(shown(telegram, data, GROUP), "Press", IVAN)
    assert "для другого человека" in (await answered(telegram))["text"]
    assert not backend.stops
    assert not backend.people.calls


async def test_the_button_of_who_wrote_in_a_groups_name_is_everybodys(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.press(shown(telegram, f"stop:{CHAT}", GROUP), "Press", IVAN)
    await answered(telegram)
    assert backend.stops[0]["user_id"] == str(CHAT)


async def test_a_stop_button_stops_in_its_topic(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.press(shown(telegram, "stop:42", GROUP, message_thread_id=77, is_topic_message=True), "Press")
    assert "nothing to stop" in (await answered(telegram))["text"]
    where = {"bot": "default", "chat_id": str(CHAT), "user_id": "42", "thread_id": "77"}
    assert backend.stops == [where | {"runs": False}], "what goes on beside the answer is not meant"


async def test_the_button_under_a_draft_stops_it(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.answer = lambda text: "word " * 100
    backend.pieces = lambda text: ["word "] * 100
    backend.piece_seconds = 0.05
    telegram.say("tell me everything")
    await telegram.world.until(lambda: telegram.world.drafts, 30)
    telegram.stop_writing()
    await backend.until(lambda: backend.stops)
    where = {"bot": "default", "chat_id": "42", "user_id": "42", "thread_id": ""}
    assert backend.stops == [where | {"runs": False}]


@pytest.mark.parametrize(("decision", "approve", "told"), [("yes", True, "may write"), ("no", False, "not answer")])
async def test_the_owner_decides_by_a_button(
    telegram: TelegramSimulator, backend: BackendSimulator, decision: str, approve: bool, told: str
) -> None:
    telegram.press(shown(telegram, f"admit:K7QX:{decision}"), "Press")
    assert told in (await answered(telegram))["text"]
    assert backend.people.called("decide") == [{"code": "K7QX", "approve": approve, "by": "42"}]
    edited = (await telegram.until_called("editMessageText"))[0].arguments["text"]
    assert edited.startswith("Something\n\nDone")


@pytest.mark.parametrize("data", ["old-button", "undo:nonsense", "stop:", "admit:K7QX:maybe"])
async def test_a_button_that_nobody_knows_any_more_is_answered(telegram: TelegramSimulator, data: str) -> None:
    telegram.press(shown(telegram, data), "Press")
    assert "no longer works" in (await answered(telegram))["text"]


async def test_a_press_that_fails_is_told_at_once(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.problems = [problem("storage-unavailable", 503)] * 4
    telegram.press(shown(telegram, "undo:5f1f6ad1-6c8c-4c55-9a5c-4f5d1f6b1c61:42"), "Press")
    assert "memory is not available" in (await answered(telegram))["text"]


async def test_a_press_of_long_ago_disturbs_nobody(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    message = shown(telegram, "stop:42")
    telegram.press(message, "Press")
    telegram.world.open_callbacks.clear()
    await answered(telegram)
    telegram.say("hello", person=Person(42, "Anna"))
    assert (await telegram.next_message())["text"]
