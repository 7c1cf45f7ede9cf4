"""Every sentence is there in both languages, with the numbers and forms that belong in it."""

import re
from dataclasses import fields

import pytest

from telegram_bot.backend_client import NO_ANSWER_IN_TIME, UNREACHABLE
from telegram_bot.words import ENGLISH, RUSSIAN, Words, words_for

BOTH = pytest.mark.parametrize("words", [RUSSIAN, ENGLISH], ids=["ru", "en"])
# What is written in the same way everywhere.
SAME_IN_BOTH = {"form"}
CODE = re.compile(r"\{\w+\}")


@BOTH
@pytest.mark.parametrize("type", [UNREACHABLE, NO_ANSWER_IN_TIME, *RUSSIAN.problems])
def test_every_problem_has_its_sentence(words: Words, type: str) -> None:
    sentence = words.problem(type, 503)
    assert sentence not in ("", words.unknown_problem)
    assert not CODE.search(sentence)


@BOTH
def test_a_problem_without_a_known_type_is_told_by_its_status(words: Words) -> None:
    sentences = {words.problem("about:blank", status) for status in (401, 413, 429, 500)}
    assert len(sentences) == 4
    assert words.problem("/problems/new-one", 500) == words.unknown_problem


@pytest.mark.parametrize(
    ("seconds", "in_russian", "in_english"),
    [
        (0, "через 1 секунду", "in 1 second."),
        (2.1, "через 3 секунды", "in 3 seconds."),
        (12, "через 12 секунд", "in 12 seconds."),
        (21, "через 21 секунду", "in 21 seconds."),
        (61, "через 61 секунду", "in 61 seconds."),
        (91, "через 2 минуты", "in 2 minutes."),
        (660, "через 11 минут", "in 11 minutes."),
        (7000, "через 2 часа", "in 2 hours."),
    ],
)
def test_who_writes_too_much_learns_when_to_try_again(seconds: float, in_russian: str, in_english: str) -> None:
    members = {"retry_after": seconds or 0.2, "of": "person"}
    assert in_russian in RUSSIAN.problem("/problems/too-many-messages", 429, members)
    assert in_english in ENGLISH.problem("/problems/too-many-messages", 429, members)


@BOTH
def test_a_bot_that_is_asked_by_too_many_says_so(words: Words) -> None:
    of_a_person = words.problem("/problems/too-many-messages", 429, {"retry_after": 5, "of": "person"})
    assert words.problem("/problems/too-many-messages", 429, {"retry_after": 5, "of": "bot"}) != of_a_person


@BOTH
def test_who_must_be_approved_learns_the_code(words: Words) -> None:
    assert "K7QX" in words.problem("/problems/approval-needed", 403, {"code": "K7QX"})


def test_numbers_are_written_as_people_write_them() -> None:
    assert RUSSIAN.count(1234, "message") == "1\N{NO-BREAK SPACE}234 сообщения"
    assert ENGLISH.count(1234, "message") == "1,234 messages"
    assert [RUSSIAN.count(number, "message") for number in (1, 11, 111, 0)] == [
        "1 сообщение",
        "11 сообщений",
        "111 сообщений",
        "0 сообщений",
    ]
    assert [RUSSIAN.money(sum) for sum in (0, 0.0123, 1234.5)] == ["$0,00", "$0,0123", "$1\N{NO-BREAK SPACE}234,50"]
    assert [ENGLISH.money(sum) for sum in (0.00000012, 0.5)] == ["< $0.0001", "$0.5000"]


def test_both_languages_say_the_same_things() -> None:
    for field in fields(Words):
        russian, english = getattr(RUSSIAN, field.name), getattr(ENGLISH, field.name)
        assert russian != english, field.name
        if field.name not in SAME_IN_BOTH:
            assert _form(russian) == _form(english), field.name


def _form(said: object) -> object:
    """Which sentences there are, and what is filled into them."""
    if isinstance(said, str):
        return set(CODE.findall(said))
    if isinstance(said, tuple):
        return None  # as many as the language has forms
    assert isinstance(said, dict)
    return {key: _form(value) for key, value in said.items()}


@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", RUSSIAN), ("ru-RU", RUSSIAN), ("RU", RUSSIAN), ("en", ENGLISH), ("de", ENGLISH), (None, ENGLISH)],
)
def test_the_language_follows_the_person(language: str | None, words: Words) -> None:
    assert words_for(language) is words
