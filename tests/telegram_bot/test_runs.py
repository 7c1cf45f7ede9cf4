"""Runs as people see them: a card that follows what is done, and what its buttons do."""

import asyncio
from typing import Any

import pytest

from tests.simulators.backend import BackendSimulator, problem
from tests.simulators.backend_runs import RUN_ID, run_card, step
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator
from tests.simulators.telegram_calls import Fault

pytestmark = pytest.mark.usefixtures("relay")

Json = dict[str, Any]
CARD = run_card(step(1, "Read the file", "running"), step(2, "Write the report"))


async def asked(telegram: TelegramSimulator, backend: BackendSimulator, **chat: Any) -> tuple[Json, Json]:
    """A run that somebody has asked for: the message that is its card, and its delivery."""
    backend.runs.begins = lambda text: dict(CARD)
    text = "@test_bot tidy up" if chat else "tidy up"
    telegram.say(text, **chat)
    card = await telegram.next_message(chat["chat"]["id"] if chat else ANNA.id)
    return card, (await backend.until_delivered())[-1]


def labels(message: Json) -> list[str]:
    markup = message.get("reply_markup") or {}
    return [button["text"] for row in markup.get("inline_keyboard", ()) for button in row]


async def shows(telegram: TelegramSimulator, message: Json, words: str) -> Json:
    """The message, once it shows these words."""
    messages = telegram.world.messages[message["chat"]["id"]]
    await telegram.world.until(lambda: words in messages[message["message_id"]]["text"], 60)
    return messages[message["message_id"]]


async def test_a_run_is_a_card_with_its_steps_and_buttons(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    card, delivery = await asked(telegram, backend)
    assert card["text"].splitlines() == [
        "I am on it.",
        "",
        "Tidy up",
        "",
        "▶️ Read the file",
        "⏳ Write the report",
        "",
        "▶️ At work",
    ]
    assert labels(card) == ["⏹ Stop", "⏭ Skip: Read the file"]
    assert (delivery["shown"], delivery["parts"]) == (1, 1), "it needs no edit to be what was sent"
    assert not telegram.calls("editMessageText")


async def test_what_was_said_already_is_not_said_again(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.runs.begins = lambda text: run_card(step(1, "All of it", "running"), title="i am on it")
    telegram.say("go on")
    assert (await telegram.next_message())["text"] == "I am on it.\n\n▶️ At work"


async def test_an_answer_costs_no_request_for_cards(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    asked: list[str] = []
    backend.trouble = lambda request: asked.append(f"{request.method} {request.path}")
    telegram.say("hello")
    await telegram.next_message()
    await backend.until_delivered()
    of_relay = [each for each in asked if "/v1/relays/" not in each]
    assert of_relay == ["POST /v1/chat/stream", "PATCH /v1/deliveries/1", "PATCH /v1/deliveries/1"]


async def test_the_card_follows_the_run_and_loses_its_buttons_at_the_end(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    card, delivery = await asked(telegram, backend)
    steps = [step(1, "Read the file", "completed"), step(2, "Write the report", "running")]
    backend.runs.change(delivery, steps=steps)
    assert labels(await shows(telegram, card, "✅ Read the file")) == ["⏹ Stop", "⏭ Skip: Write the report"]
    backend.runs.change(delivery, status="failed", steps=[steps[0], step(2, "Write the report", "skipped")])
    ended = await shows(telegram, card, "❌ Not everything worked")
    assert "⏭ Write the report (skipped)" in ended["text"]
    assert labels(ended) == []
    await backend.until(lambda: delivery["shown"] == delivery["changed"])
    first, second = telegram.calls("editMessageText")
    assert second.at - first.at >= 1


async def test_only_the_newest_state_is_shown(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    card, delivery = await asked(telegram, backend)
    telegram.faults = [Fault("editMessageText", code=429, retry_after=2)]
    backend.runs.change(delivery, title="One")
    await telegram.until_called("editMessageText")
    for title in ("Two", "Three"):
        backend.runs.change(delivery, title=title)
    await shows(telegram, card, "Three")
    refused, edited = telegram.calls("editMessageText")
    assert edited.at - refused.at >= 2


@pytest.mark.parametrize(
    "says", ["Bad Request: message to edit not found", "Bad Request: message can't be edited", "chat was upgraded"]
)
async def test_a_card_that_is_gone_holds_up_nothing(
    telegram: TelegramSimulator, backend: BackendSimulator, says: str
) -> None:
    _, delivery = await asked(telegram, backend)
    moved_to = GROUP["id"] if "upgraded" in says else None
    telegram.faults = [Fault("editMessageText", code=400, says=says, times=2, moved_to=moved_to)]
    backend.runs.change(delivery, title="gone")
    await backend.until(lambda: delivery["shown"] == delivery["changed"])
    telegram.faults = []
    other = backend.runs.hand_over("run", dict(CARD))
    card = await telegram.next_message()
    await backend.until_delivered(2)
    backend.runs.change(other, title="Still there")
    await shows(telegram, card, "Still there")


async def test_what_is_shown_already_is_no_failure(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    _, delivery = await asked(telegram, backend)
    backend.runs.change(delivery)
    await backend.until(lambda: delivery["shown"] == delivery["changed"])
    assert [call.status for call in telegram.calls("editMessageText")] == [400]


async def test_a_backend_that_is_away_learns_later_what_is_shown(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    card, delivery = await asked(telegram, backend)
    await backend.stop()
    backend.runs.change(delivery, title="Meanwhile")
    await backend.start()
    await shows(telegram, card, "Meanwhile")
    await backend.until(lambda: delivery["shown"] == delivery["changed"])


async def test_a_card_of_another_process_is_left_alone(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    _, delivery = await asked(telegram, backend)
    backend.leases.holders["default"] = "another process", asyncio.get_running_loop().time() + 3600
    backend.runs.change(delivery, title="theirs")
    beats = len(backend.leases.beats)
    await backend.until(lambda: len(backend.leases.beats) >= beats + 2)
    assert not telegram.calls("editMessageText")


async def test_in_a_group_the_half_written_words_become_the_card(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.allowed = asyncio.Semaphore(1)
    backend.pieces = lambda text: ["I am ", "on it."]
    backend.runs.begins = lambda text: dict(CARD)
    telegram.say("@test_bot tidy up", chat=GROUP)
    written = await telegram.next_message(GROUP["id"])
    backend.allowed.release()
    card = await shows(telegram, written, "▶️ Read the file")
    assert card["text"].startswith("I am on it.\n\nTidy up")
    assert len(telegram.calls("sendMessage")) == 1


async def test_long_words_stand_above_the_card(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    delivery = backend.runs.hand_over("run", dict(CARD), text="Wort " * 900)
    telegram.say("hello")
    told = [await telegram.next_message() for _ in range(4)]
    card = next(message for message in told if "Tidy up" in message["text"])
    assert not card["text"].startswith("Wort")
    await backend.until_delivered(2)
    backend.runs.change(delivery, status="completed")
    await shows(telegram, card, "✅ Done")


async def test_stop_and_skip_reach_the_run(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    card, _ = await asked(telegram, backend)
    telegram.press(card, "⏹ Stop")
    assert "Stopped" in (await telegram.until_called("answerCallbackQuery"))[0].arguments["text"]
    telegram.press(card, "⏭ Skip: Read the file")
    assert "skipped" in (await telegram.until_called("answerCallbackQuery", 2))[1].arguments["text"]
    run_id = RUN_ID.replace("-", "")
    assert backend.runs.called("cancel run") == [{"id": run_id, "user_id": "42"}]
    assert backend.runs.called("skip") == [{"id": run_id, "position": "1", "user_id": "42"}]


async def test_what_is_over_cannot_be_stopped_or_skipped(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    card, _ = await asked(telegram, backend)
    backend.problems = [problem("step-over", 409)]
    telegram.press(card, "⏭ Skip: Read the file")
    assert "step has come" in (await telegram.until_called("answerCallbackQuery"))[0].arguments["text"]
    backend.problems = [problem("run-over", 409)]
    telegram.press(card, "⏹ Stop")
    assert "come to its end" in (await telegram.until_called("answerCallbackQuery", 2))[1].arguments["text"]
    await telegram.until_called("editMessageReplyMarkup")
    assert labels(card) == []


async def test_another_persons_run_is_not_stopped(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    card, _ = await asked(telegram, backend, chat=GROUP)
    for label in labels(card):
        telegram.press(card, label, IVAN)
    answers = await telegram.until_called("answerCallbackQuery", 2)
    assert {call.arguments["text"] for call in answers} == {"Это кнопка для другого человека."}
    assert not backend.runs.calls


async def test_a_picture_comes_as_a_photo_and_the_result_replies_to_the_question(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    question = telegram.say("@test_bot look", chat=GROUP)
    await telegram.next_message(GROUP["id"])
    where = {"chat_id": GROUP["id"], "reply_to": str(question["message_id"])}
    backend.runs.files = {2: b"png", 3: b"text"}
    for name, media_type in (("page.png", "image/png"), ("notes.txt", "text/plain")):
        backend.runs.hand_over("file", {"file_id": 1, "name": name, "media_type": media_type, "size": 3}, **where)
    result = {"bot": "default", "kind": "answer", "key": "result", "text": "Here it is.", "user_id": "42"}
    backend.deliveries.add(**result | where | {"chat_id": str(GROUP["id"])})
    photo, document, answer = [await telegram.next_message(GROUP["id"]) for _ in range(3)]
    assert telegram.world.files[photo["photo"][0]["file_id"]] == b"png"
    assert document["document"]["file_name"] == "notes.txt"
    assert (answer["text"], answer["reply_to_message"]["message_id"]) == ("Here it is.", question["message_id"])


async def test_a_picture_that_telegram_does_not_take_is_a_document(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.say("hello")
    await telegram.next_message()
    telegram.faults = [
        Fault("sendPhoto", code=429, retry_after=1),
        Fault("sendPhoto", code=400, says="Bad Request: PHOTO_INVALID_DIMENSIONS"),
    ]
    backend.runs.files = {2: b"png"}
    backend.runs.hand_over("file", {"file_id": 1, "name": "long.png", "media_type": "image/png", "size": 3})
    assert (await telegram.next_message())["document"]["file_name"] == "long.png"
    assert backend.deliveries.repeated == 0


async def test_a_file_that_is_too_large_is_closed_with_the_reason(
    telegram: TelegramSimulator, backend: BackendSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telegram_bot.sending.LARGEST_FILE", 2)
    telegram.say("hello")
    await telegram.next_message()
    backend.runs.files = {2: b"png"}
    file = backend.runs.hand_over("file", {"file_id": 1, "name": "x", "media_type": "image/png", "size": 3})
    await backend.until_delivered(2)
    assert (file["state"], file["problem"]) == ("failed", "too-large")


async def test_a_file_that_is_gone_holds_up_nothing(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.runs.hand_over("file", {"file_id": 1, "name": "x", "media_type": "image/png", "size": 3})
    telegram.say("still there?")
    assert "still there" in (await telegram.next_message())["text"]
