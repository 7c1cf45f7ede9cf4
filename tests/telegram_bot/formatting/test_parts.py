"""How a long answer is taken apart, and what rich messages show of it."""

from itertools import pairwise

import pytest

from telegram_bot.formatting import LIMIT, Part, render
from tests.telegram_bot.formatting.marked import marked
from tests.telegram_bot.formatting.telegram_rules import check, units

ROWS = 200
TABLE = "| n | square |\n|---|---|\n" + "".join(f"| {n} | {n * n} |\n" for n in range(ROWS))


@pytest.mark.parametrize("nothing", ["", " \n\t", "\x00", "\u200b\u2800", "```\n```", "#", "> "])
def test_of_nothing_to_see_there_is_no_message(nothing: str) -> None:
    assert render(nothing) == []


def test_an_answer_is_cut_between_its_blocks_but_not_beneath_a_heading() -> None:
    first, second = render("a" * 3000 + "\n\n# Head\n\n" + "b " * 1000)
    assert first.text == "a" * 3000
    assert second.text.startswith("Head\n\nb b")


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One two. Three\n\nfour five", "One two. Three"),
        ("One two three.\nfour five", "One two three."),
        ("One two three. Four five", "One two three."),
        ("One two three four five", "One two three four"),
        ("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", "👨‍👩‍👧👨‍👩‍👧"),
        ("🇷🇺🇺🇸🇩🇪🇫🇷🇮🇹🇪🇸", "🇷🇺🇺🇸🇩🇪🇫🇷🇮🇹"),
    ],
)
def test_a_text_is_cut_at_the_best_place(text: str, first: str) -> None:
    assert render(text, 20)[0].text == first


def test_code_that_is_cut_is_code_in_each_part() -> None:
    parts = render("```python\n" + "    line = 1\n" * 1000 + "```")
    assert len(parts) > 2
    for part in parts:
        assert marked(part) == f"⟦pre,python:{part.text}⟧"
        assert part.text.startswith("    line")
        assert part.text.endswith("1")


def test_a_postscript_stands_below_whatever_was_left_open() -> None:
    (part,) = render("```python\nx = 1", postscript="**stopped**")
    assert marked(part) == "⟦pre,python:x = 1⟧\n\n**stopped**"
    assert [part.text for part in render("", postscript="stopped")] == ["stopped"]


def test_emphasis_goes_on_in_the_next_part() -> None:
    assert [marked(part) for part in render("**one two three four five**", 20)] == [
        "⟦bold:one two three four⟧",
        "⟦bold:five⟧",
    ]


def test_no_message_has_more_entities_than_telegram_keeps() -> None:
    parts = render(" ".join(f"**{n}**" for n in range(250)))
    assert [len(part.entities) for part in parts] == [100, 100, 50]


def test_characters_beyond_the_basic_plane_count_twice() -> None:
    assert [units(part.text) for part in render("😀" * LIMIT)] == [LIMIT, LIMIT]


def test_prose_needs_no_rich_message() -> None:
    (part,) = render("# Head\n\n**bold** and `code`\n\n- list")
    assert part.rich == ()


def test_a_table_and_a_formula_are_shown_as_such_by_a_rich_message() -> None:
    (part,) = render("# Head\n\nSee $x^2$:\n\n| a |\n|--:|\n| **b** |\n\n1. c\n- [x] d")
    cell = {"valign": "top", "align": "right"}
    assert part.rich == (
        {"type": "heading", "size": 1, "text": "Head"},
        {"type": "paragraph", "text": ["See ", {"type": "mathematical_expression", "expression": "x^2"}, ":"]},
        {
            "type": "table",
            "is_bordered": True,
            "cells": [
                [cell | {"text": "a", "is_header": True}],
                [cell | {"text": [{"type": "bold", "text": "b"}]}],
            ],
        },
        {"type": "list", "items": [{"blocks": [{"type": "paragraph", "text": "c"}], "value": 1, "type": "1"}]},
        {
            "type": "list",
            "items": [{"blocks": [{"type": "paragraph", "text": "d"}], "has_checkbox": True, "is_checked": True}],
        },
    )


def test_a_table_that_is_cut_has_its_header_in_each_rich_message() -> None:
    parts = render(TABLE, 1000)
    check(parts, 1000)
    tables = [table_in(part) for part in parts]
    assert {str(table[0]) for table in tables} == {str(tables[0][0])}
    assert [row[0]["text"] for table in tables for row in table[1:]] == [str(n) for n in range(ROWS)]
    assert all(earlier != later for earlier, later in pairwise(parts))


def table_in(part: Part) -> list[list[dict[str, str]]]:
    (table,) = part.rich
    rows: list[list[dict[str, str]]] = table["cells"]
    return rows


def test_where_a_block_is_cut_entities_say_it() -> None:
    parts = render("| a |\n|---|\n| b |\n\n" + "word " * 1500)
    assert [bool(part.rich) for part in parts] == [False, False]
