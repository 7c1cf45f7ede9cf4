"""What a question brings along: what it replies to, whose words it passes on, and what was corrected in it."""

from typing import Any

import pytest

from telegram_bot.handlers import telling
from tests.simulators.backend import BackendSimulator, problem
from tests.simulators.telegram import GROUP, IVAN, TelegramSimulator
from tests.simulators.telegram_world import entities_of

pytestmark = pytest.mark.usefixtures("relay")

CHAT = GROUP["id"]
OLGA = {"id": 44, "is_bot": False, "first_name": "Olga", "last_name": "Berg"}


async def test_a_reply_brings_along_what_it_replies_to(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    said = telegram.say("The train leaves at six", chat=GROUP, person=IVAN)
    telegram.say("@test_bot is that true?", chat=GROUP, reply_to_message=said)
    await telegram.next_message(CHAT)
    assert backend.handled[0]["text"] == "is that true?"
    assert backend.handled[0]["quote"] == {"speaker": "Иван", "text": "The train leaves at six"}


async def test_of_a_long_message_the_part_that_was_chosen_is_quoted(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.say("long " * 500)
    answer = await telegram.next_message()
    telegram.say("what?", reply_to_message=answer, quote={"text": "this part", "position": 3})
    await telegram.next_message()
    telegram.say("and all of it?", reply_to_message=answer)
    await telegram.next_message()
    quotes = [body["quote"] for body in backend.handled[1:]]
    assert quotes[0] == {"speaker": "Bot", "text": "this part"}
    assert len(quotes[1]["text"]) == 1000
    assert quotes[1]["text"].endswith("…")


async def test_a_quote_from_another_chat_has_its_speaker(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    origin = {"type": "user", "date": 1, "sender_user": OLGA}
    telegram.say("is it?", external_reply={"origin": origin}, quote={"text": "It is warm", "position": 0})
    await telegram.next_message()
    assert backend.handled[0]["quote"] == {"speaker": "Olga Berg", "text": "It is warm"}


async def test_a_rich_answer_is_quoted_by_its_words(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say("hello")
    answer = await telegram.next_message()
    bold = {"type": "bold", "text": "important"}
    cell = {"align": "left", "valign": "top"}
    blocks = [
        {"type": "paragraph", "text": ["This is ", bold]},
        {"type": "table", "cells": [[cell | {"text": "tea"}, cell | {"text": "2 €"}]]},
        {"type": "list", "items": [{"label": "1.", "blocks": [{"type": "paragraph", "text": "First"}]}]},
    ]
    rich = {name: value for name, value in answer.items() if name != "text"} | {"rich_message": {"blocks": blocks}}
    telegram.say("why?", reply_to_message=rich)
    await telegram.next_message()
    assert backend.handled[1]["quote"]["text"] == "This is important\ntea | 2 €\n1. First"


async def test_a_mere_mention_in_a_reply_asks_what_was_said(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    said = telegram.say("How far is the moon?", chat=GROUP, person=IVAN)
    telegram.say("@test_bot", chat=GROUP, reply_to_message=said)
    await telegram.next_message(CHAT)
    assert (backend.handled[0]["text"], backend.handled[0]["forwarded_from"]) == ("How far is the moon?", "Иван")
    assert "quote" not in backend.handled[0]


@pytest.mark.parametrize(("text", "question"), [("/ask how far?", "how far?"), ("/remind me", "/remind me")])
async def test_in_private_a_command_is_needed_for_nothing(
    telegram: TelegramSimulator, backend: BackendSimulator, text: str, question: str
) -> None:
    telegram.say(text)
    await telegram.next_message()
    assert backend.handled[0]["text"] == question


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ({"type": "user", "sender_user": OLGA}, "Olga Berg"),
        ({"type": "hidden_user", "sender_user_name": "Somebody"}, "Somebody"),
        ({"type": "chat", "sender_chat": GROUP}, "Group"),
        ({"type": "channel", "chat": {"id": -7, "type": "channel", "title": "News"}, "message_id": 1}, "News"),
    ],
    ids=["user", "hidden", "chat", "channel"],
)
async def test_a_forwarded_message_names_who_wrote_it(
    telegram: TelegramSimulator, backend: BackendSimulator, origin: dict[str, Any], name: str
) -> None:
    telegram.say("It rains", forward_origin=origin | {"date": 1})
    await telegram.next_message()
    assert (backend.handled[0]["text"], backend.handled[0]["forwarded_from"]) == ("It rains", name)


async def test_a_corrected_message_is_remembered_as_it_reads_now(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    said = telegram.say("my cat is Lna")
    await telegram.next_message()
    telegram.world.add_update("edited_message", said | {"text": "my cat is Luna", "edit_date": 2})
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    corrected = backend.people.called("correct")[0]
    assert (corrected["key"], corrected["text"]) == (backend.handled[0]["key"], "my cat is Luna")
    assert (corrected["chat_id"], corrected["user_id"]) == ("42", "42")
    assert len(backend.handled) == 1


async def test_a_correction_in_a_group_is_what_the_bot_is_asked(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    said = telegram.say("@test_bot hello", chat=GROUP)
    await telegram.next_message(CHAT)
    text = "@test_bot good evening"
    telegram.world.add_update("edited_message", said | {"text": text, "entities": entities_of(text), "edit_date": 2})
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    assert backend.people.called("correct")[0]["text"] == "good evening"


async def test_a_correction_keeps_what_was_replied_to(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    origin = {"type": "user", "sender_user": OLGA, "date": 1}
    said = telegram.say("Lna?", reply_to_message=telegram.say("my cat is Luna"), forward_origin=origin)
    await telegram.next_message()
    telegram.world.add_update("edited_message", said | {"text": "Luna?", "edit_date": 2})
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    corrected = backend.people.called("correct")[0]
    assert corrected["quote"] == {"speaker": "Anna", "text": "my cat is Luna"}
    assert (corrected["forwarded_from"], corrected["language"]) == ("Olga Berg", "en")


async def test_a_caption_is_corrected_with_its_picture(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    picture = telegram.world.add_file(b"x", "photo.jpg") | {"width": 1, "height": 1}
    said = telegram.say(photo=[picture], caption="wat?")
    await telegram.next_message()
    telegram.world.add_update("edited_message", said | {"caption": "what?", "edit_date": 2})
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    assert backend.people.called("correct")[0]["text"] == "[In the picture: image of 1 bytes]\nwhat?"


async def test_what_others_correct_among_themselves_is_none_of_the_bots_business(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    said = telegram.say("hi everybody", chat=GROUP)
    telegram.world.add_update("edited_message", said | {"text": "hello everybody", "edit_date": 2})
    telegram.say("@test_bot hello", chat=GROUP)
    await telegram.next_message(CHAT)
    assert not backend.people.called("correct")


async def test_a_place_that_moves_is_no_correction(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    said = telegram.say(location={"latitude": 1, "longitude": 2, "live_period": 60})
    telegram.world.add_update("edited_message", said | {"edit_date": 2})
    await telegram.next_message()
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    assert not backend.people.called("correct")


@pytest.mark.parametrize(("again", "times"), [(1e12, 1), (1e-6, 3)])
async def test_who_writes_too_much_is_told_now_and_then_when_to_go_on(
    telegram: TelegramSimulator, backend: BackendSimulator, monkeypatch: pytest.MonkeyPatch, again: float, times: int
) -> None:
    monkeypatch.setattr(telling, "TOLD_AGAIN_SECONDS", again)
    for number in (1, 2, 3):
        backend.problems = [problem("too-many-messages", 429, retry_after=12, of="person")]
        telegram.say(f"message {number}", person=IVAN)
        await backend.until_asked(number)
        await telegram.world.until(lambda: not telegram.world.updates, 60)
    telegram.say("message 4", person=IVAN)
    for _ in range(times):
        assert (await telegram.next_message(IVAN.id))["text"].endswith("Попробуйте через 12 секунд.")
    assert (await telegram.next_message(IVAN.id))["text"] == "echo message 4"
