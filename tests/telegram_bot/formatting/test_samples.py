"""Sixty and more answers as models write them, one file each, with what makes them hard to show."""

from pathlib import Path

import pytest

from telegram_bot.formatting import render
from tests.telegram_bot.formatting.nothing_lost import lost
from tests.telegram_bot.formatting.telegram_rules import check

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.md"))
SHORT = 1500  # characters; of a longer sample not every prefix is tried


def test_there_are_sixty() -> None:
    assert len(SAMPLES) >= 60


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_arrives_whole_in_messages_that_telegram_accepts(sample: Path) -> None:
    markdown = read(sample)
    parts = render(markdown)
    check(parts)
    assert lost(markdown, (part.text for part in parts)) == ""


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_arrives_whole_in_tiny_messages(sample: Path) -> None:
    markdown = read(sample)[:SHORT]
    parts = render(markdown, 64)
    check(parts, 64)
    assert lost(markdown, (part.text for part in parts)) == ""


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_can_be_shown_while_it_is_written(sample: Path) -> None:
    markdown = read(sample)
    step = 1 if len(markdown) <= SHORT else len(markdown) // 15
    for length in range(0, len(markdown), step):
        parts = render(markdown[:length])
        check(parts)
        assert lost(markdown[:length], (part.text for part in parts)) == ""


def read(sample: Path) -> str:
    return sample.read_bytes().decode()
