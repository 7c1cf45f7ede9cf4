"""Long messages in pieces: nothing lost, nothing doubled, and cut where a reader would."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.memory.pieces import LONGEST, USUAL, pieces

WORDS = st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=30)
GAPS = st.sampled_from([" ", "\n", "\n\n", ". ", "! ", "\t", "   \n \n", "\n```\n", "\n```python\n", "。"])
TEXTS = st.lists(st.tuples(WORDS, GAPS), max_size=200).map(lambda said: "".join(word + gap for word, gap in said))
ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=2_500)
UNHURRIED = settings(max_examples=50, deadline=None)


def without_gaps(text: str) -> str:
    return "".join(text.split())


@UNHURRIED
@given(TEXTS | ANYTHING)
def test_nothing_is_lost_and_nothing_doubled_but_whitespace(text: str) -> None:
    assert without_gaps("".join(pieces(text))) == without_gaps(text)


@UNHURRIED
@given(TEXTS | ANYTHING)
def test_no_piece_is_empty_or_longer_than_it_may_be(text: str) -> None:
    for piece in pieces(text):
        assert 0 < len(piece) <= LONGEST
        assert piece == piece.strip()


@UNHURRIED
@given(st.lists(WORDS, min_size=50, max_size=150))
def test_no_word_is_cut(words: list[str]) -> None:
    words = [word.replace("。", "").replace("！", "").replace("？", "") or "word" for word in words]
    found = pieces(" ".join(words))
    assert [word for piece in found for word in piece.split()] == " ".join(words).split()


@UNHURRIED
@given(TEXTS)
def test_a_text_that_fits_stays_whole(text: str) -> None:
    if 0 < len(text.strip()) <= LONGEST:
        assert pieces(text) == [text.strip()]


@pytest.mark.parametrize("text", ["", "   ", "\n\t\n"])
def test_of_nothing_there_is_no_piece(text: str) -> None:
    assert pieces(text) == []


def test_a_text_is_cut_between_paragraphs_rather_than_between_lines() -> None:
    paragraph = "One line of it.\nAnd another line, a little longer.\n" * 10
    assert pieces(f"{paragraph}\n{paragraph}\n{paragraph}") == [paragraph.strip()] * 3


def test_a_text_is_cut_between_sentences_rather_than_between_words() -> None:
    sentence = "Мы поехали в Казань в мае, потому что там было тепло и цвели сады."
    found = pieces(" ".join([sentence] * 40))
    assert len(found) > 2
    assert all(piece.startswith("Мы") and piece.endswith("сады.") for piece in found)


def test_sentences_without_spaces_between_them_are_sentences() -> None:
    sentence = "昨日は友達と一緒に京都へ行きました。"
    assert all(piece.endswith("。") for piece in pieces(sentence * 120))


def test_a_code_block_is_kept_together() -> None:
    code = "```python\n" + "\n\n".join(f"def step_{number}():\n    return {number}" for number in range(27)) + "\n```"
    assert USUAL < len(code) < LONGEST
    told = "This is how it works. " * 20
    assert any(code in piece for piece in pieces(f"{told}\n{code}\n{told}"))


def test_a_code_block_that_is_too_long_is_cut_between_its_lines() -> None:
    lines = [f"    value_{number} = compute({number})" for number in range(100)]
    found = pieces("```\n" + "\n".join(lines) + "\n```")
    assert [line.strip() for piece in found for line in piece.splitlines()][1:-1] == [line.strip() for line in lines]


@pytest.mark.parametrize("character", ["x", "ж", "😀", "字"])
def test_the_longest_message_without_spaces_is_cut_too(character: str) -> None:
    found = pieces(character * 32_000)
    assert {len(piece) for piece in found[:-1]} == {USUAL}
    assert "".join(found) == character * 32_000


def test_fences_that_never_close_are_no_trouble() -> None:
    text = "```\n" * 1_001 + "~~~\n" * 1_001 + "words " * 1_000
    assert re.sub(r"\s", "", "".join(pieces(text))) == re.sub(r"\s", "", text)
