"""What in a group is meant for the bot."""

from datetime import UTC, datetime
from typing import Any

import pytest
from aiogram.types import Message, User

from telegram_bot.triggers import Triggers, said
from tests.simulators.telegram import GROUP
from tests.simulators.telegram_world import entities_of

ME = User(id=123456789, is_bot=True, first_name="Bot", username="test_bot")
ANNA = User(id=42, is_bot=False, first_name="Anna")
USUAL = Triggers(frozenset({"mention", "reply", "command"}))
NAMED = Triggers(frozenset({"name"}), called=("Алиса", "Hal"))
KEYED = Triggers(frozenset({"keyword"}), keywords=("погода", "train ticket"))
ALL = Triggers(frozenset({"all"}))


def message(text: str, author: User = ANNA, **fields: Any) -> Message:
    content = {"text": text, "entities": entities_of(text)} if "caption" not in fields else {}
    whole = {"message_id": 1, "date": datetime.now(UTC), "chat": GROUP, "from": author}
    return Message.model_validate(whole | content | fields)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("@test_bot what is new?", "what is new?"),
        ("@Test_Bot, what is new?", "what is new?"),
        ("🙂 tell @test_bot, what is new?", "🙂 tell, what is new?"),
        ("what is new @test_bot", "what is new"),
        ("@test_bot @somebody_else says @test_bot knows", "@somebody_else says knows"),
        ("@test_bot", ""),
        ("@test_bots are everywhere", None),
        ("what is new?", None),
        ("/ask what is new?", "what is new?"),
        ("/ask@test_bot\nwhat is new?", "what is new?"),
        ("/ASK@Test_Bot", ""),
        ("/ask@another_bot what is new?", None),
        ("/weather@test_bot in Riga", "/weather in Riga"),
        ("/weather in Riga", None),
        ("/asking", None),
    ],
)
def test_a_mention_and_a_command_are_questions(text: str, question: str | None) -> None:
    assert USUAL.question(message(text), ME) == question


@pytest.mark.parametrize("text", ["@test_bot hello", "/ask hello", "/ask@test_bot hello"])
def test_a_bot_that_listens_to_its_name_only_does_not_mind_the_rest(text: str) -> None:
    assert NAMED.question(message(text), ME) is None


def test_a_mention_by_name_and_one_in_a_caption_count() -> None:
    by_name = {"type": "text_mention", "offset": 0, "length": 3, "user": ME.model_dump()}
    assert USUAL.question(message("Bot, hello", entities=[by_name]), ME) == "hello"
    caption = "@test_bot what is this?"
    photo = message("", caption=caption, caption_entities=entities_of(caption))
    assert USUAL.question(photo, ME) == "what is this?"


def test_a_reply_to_the_bot_is_meant_for_it_and_one_to_a_person_is_not() -> None:
    assert USUAL.question(message("and then?", reply_to_message=message("An answer", ME)), ME) == "and then?"
    assert USUAL.question(message("and then?", reply_to_message=message("A story", ANNA)), ME) is None


def test_a_topic_that_the_bot_made_is_no_talk_with_it() -> None:
    creation = message("", ME, caption=None, forum_topic_created={"name": "Topic", "icon_color": 7322096})
    assert USUAL.question(message("hi everybody", reply_to_message=creation), ME) is None


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Алиса, как дела?", "как дела?"),
        ("алиса: как дела?", "как дела?"),
        ("Алис, как дела?", "как дела?"),
        ("Алиса!", ""),
        ("спросите АЛИСУ", "спросите АЛИСУ"),
        ("Алисе виднее", "Алисе виднее"),
        ("что скажешь, Hal?", "что скажешь, Hal?"),
        ("HAL, open the doors", "open the doors"),
        ("Hal-2000 is not meant", "Hal-2000 is not meant"),
        ("half of it", None),
        ("алисандра", None),
        ("как дела?", None),
    ],
)
def test_a_name_calls_in_all_its_cases(text: str, question: str | None) -> None:
    assert NAMED.question(message(text), ME) == question


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Какая завтра погода?", True),
        ("о ПОГОДЕ ни слова", True),
        ("непогода", False),
        ("погодить бы", False),
        ("a Train  ticket, please", True),
        ("train tickets", False),
        ("", False),
    ],
)
def test_a_keyword_stays_in_the_question(text: str, meant: bool) -> None:
    assert KEYED.question(message(text), ME) == (text if meant else None)


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("Марк", "спроси у Марка", True),
        ("Марк", "маркетинг", False),
        ("Марк", "маркет", False),
        ("Ева", "Еву", False),
        ("Ева", "Ева", True),
        ("Пётр", "Петра", True),
        ("Семён", "Семену", True),
        ("C++", "I like c++ more", True),
        ("  ", "anything", False),
    ],
)
def test_a_word_is_found_whole(word: str, text: str, found: bool) -> None:
    assert said([word], text) is found


def test_a_bot_that_answers_all_minds_only_commands_for_others() -> None:
    assert ALL.question(message("hi everybody"), ME) == "hi everybody"
    assert ALL.question(message("/ask hello"), ME) == "hello"
    assert ALL.question(message("/start@another_bot"), ME) is None
