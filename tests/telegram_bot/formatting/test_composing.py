"""Messages whose looks are known: offsets count as Telegram counts, and nothing is hidden."""

import pytest

from telegram_bot.formatting import Entity, Stretch, below, compose, exposed, fitting, on_one_line, units


def test_what_is_composed_is_as_it_was_written_in_the_look_that_was_meant() -> None:
    part = compose(
        Stretch("🙂 "), Stretch("**a** 🙂", "bold"), Stretch("\n"), Stretch("", "pre"), Stretch("x", "pre", "diff")
    )
    assert part.text == "🙂 **a** 🙂\nx"
    assert part.entities == (Entity("bold", 3, 8), Entity("pre", 12, 1, language="diff"))


def test_what_stands_below_keeps_its_look() -> None:
    part = below(compose(Stretch("🙂")), compose(Stretch("a", "bold")))
    assert (part.text, part.entities) == ("🙂\n\na", (Entity("bold", 4, 1),))


@pytest.mark.parametrize(
    ("text", "most", "left"), [("abc", 5, "abc"), ("abc", 2, "ab"), ("🙂🙂🙂", 5, "🙂🙂"), ("🙂", 1, "")]
)
def test_a_beginning_fits(text: str, most: int, left: str) -> None:
    assert fitting(text, most) == left
    assert units(left) <= most


def test_a_line_is_one() -> None:
    assert on_one_line(" a\n b\tc ", 5) == "a b c"
    assert on_one_line("a b c d", 5) == "a b…"


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("plain, Кириллица, é, e\u0301, 日本\n\tx", "plain, Кириллица, é, e\u0301, 日本\n\tx"),
        ("a\u200bb\u202ec\x07d\r", "a\\u200bb\\u202ec\\x07d\\r"),
        ("\u3164\u2800\u00a0\ue000\U000e0041", "\\u3164\\u2800\\xa0\\ue000\\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_shown_by_its_number(written: str, seen: str) -> None:
    assert exposed(written) == seen
