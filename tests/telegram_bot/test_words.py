"""Every problem has a sentence in both languages."""

from dataclasses import fields

import pytest

from telegram_bot.backend_client import NO_ANSWER_IN_TIME, UNREACHABLE
from telegram_bot.words import ENGLISH, RUSSIAN, Words, words_for

PROBLEMS = [
    UNREACHABLE,
    NO_ANSWER_IN_TIME,
    "/problems/no-provider-answered",
    "/problems/session-busy",
    "/problems/turn-interrupted",
    "/problems/storage-unavailable",
    "/problems/invalid-request",
    "/problems/key-reused",
    "/problems/text-too-long",
    "/problems/body-too-large",
    "/problems/answer-forgotten",
    "/problems/unauthorized",
    "/problems/bot-not-found",
    "/problems/session-not-found",
]


@pytest.mark.parametrize("words", [RUSSIAN, ENGLISH], ids=["ru", "en"])
@pytest.mark.parametrize("type", PROBLEMS)
def test_every_problem_has_its_sentence(words: Words, type: str) -> None:
    assert words.problem(type, 503) not in ("", words.unknown_problem)


@pytest.mark.parametrize("words", [RUSSIAN, ENGLISH], ids=["ru", "en"])
def test_a_problem_without_a_known_type_is_told_by_its_status(words: Words) -> None:
    sentences = {words.problem("about:blank", status) for status in (401, 413, 429, 500)}
    assert len(sentences) == 4
    assert words.problem("/problems/new-one", 500) == words.unknown_problem


def test_both_languages_say_the_same_things() -> None:
    assert RUSSIAN.problems.keys() == ENGLISH.problems.keys()
    assert RUSSIAN.problem_statuses.keys() == ENGLISH.problem_statuses.keys()
    assert RUSSIAN.commands.keys() == ENGLISH.commands.keys()
    assert all(getattr(RUSSIAN, f.name) != getattr(ENGLISH, f.name) for f in fields(Words))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ru", RUSSIAN),
        ("ru-RU", RUSSIAN),
        ("RU", RUSSIAN),
        ("en", ENGLISH),
        ("de", ENGLISH),
        (None, ENGLISH),
    ],
)
def test_the_language_follows_the_person(language: str | None, words: Words) -> None:
    assert words_for(language) is words
