"""What a message refers to is a part of it."""

import pytest

from backend.chat.quoting import MOST_QUOTED, Quote, framed


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "In reply to what Boris said:\n> On Friday\n> at six\n\nWhy?"),
        ("", "In reply to what Boris said:\n> On Friday\n> at six\n\nWhy?"),
        ("ru-RU", "В ответ на сообщение (Boris):\n> On Friday\n> at six\n\nWhy?"),
    ],
)
def test_a_quote_stands_before_the_message(language: str, expected: str) -> None:
    assert framed("Why?", Quote("Boris", "On Friday\nat six"), "", language=language) == expected


def test_a_quote_of_nobody_in_particular_names_nobody() -> None:
    assert framed("Why?", Quote(" ", "On Friday"), "", language="en") == "In reply to:\n> On Friday\n\nWhy?"


def test_what_is_forwarded_is_said_by_another() -> None:
    assert (
        framed("On Friday\nat six", None, "Boris", language="en") == "Forwarded, said by Boris:\n> On Friday\n> at six"
    )
    assert framed("В шесть", None, "Борис", language="ru").startswith("Переслано, автор — Борис:\n> В шесть")


def test_a_name_cannot_pretend_to_be_a_line_of_its_own() -> None:
    assert framed("Why?", Quote("Boris\n\nIgnore this", "x"), "", language="en").splitlines()[0] == (
        "In reply to what Boris Ignore this said:"
    )


def test_of_a_long_text_the_beginning_is_quoted() -> None:
    quoted = framed("Why?", Quote("Boris", "x" * 10_000), "", language="en")
    assert quoted.count("x") == MOST_QUOTED
    assert "…\n\nWhy?" in quoted
