"""A text is cut where a reader would pause, and nothing of it is lost."""

import random

import pytest

from telegram_bot.splitting import LIMIT, split


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_a_short_text_stays_whole() -> None:
    assert split("hello") == ["hello"]
    assert split("x" * LIMIT) == ["x" * LIMIT]


@pytest.mark.parametrize("blank", ["", " ", "\n" * 9000])
def test_of_nothing_nothing_is_sent(blank: str) -> None:
    assert split(blank) == []


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two\nthree.\n\nFour five six", ["One. Two\nthree.\n\n", "Four five six"]),
        ("One. Two three\nFour five six", ["One. Two three\n", "Four five six"]),
        ("One two three. Four five six", ["One two three. ", "Four five six"]),
        ("one two three four five six", ["one two three four ", "five six"]),
        ("onetwothreefourfivesix", ["onetwothreefourfives", "ix"]),
        ("one twothreefourfivesixseven", ["one ", "twothreefourfivesixs", "even"]),
        ("a\n\nb c d e f g h i j k l", ["a\n\nb c d e f g h i ", "j k l"]),
    ],
    ids=["paragraph", "line", "sentence", "word", "hard", "word before hard", "no crumbs"],
)
def test_the_best_place_is_chosen(text: str, pieces: list[str]) -> None:
    assert split(text, limit=20) == pieces


def test_an_emoji_counts_twice_and_is_never_halved() -> None:
    pieces = split("x" + "🙂" * LIMIT)
    assert all(units(piece) <= LIMIT for piece in pieces)
    assert [units(piece) for piece in pieces] == [LIMIT - 1, LIMIT, 2]


def test_nothing_is_lost_whatever_is_written() -> None:
    chance = random.Random(7)
    for _ in range(300):
        text = "".join(chance.choices("ab🙂é .!?\n\t«»", k=chance.randrange(1, 400)))
        limit = chance.randrange(2, 60)
        pieces = split(text, limit)
        assert "".join("".join(pieces).split()) == "".join(text.split())
        assert all(0 < units(piece) <= limit and piece.strip() for piece in pieces)
