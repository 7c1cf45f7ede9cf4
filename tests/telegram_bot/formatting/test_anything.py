"""Whatever arrives, also what no model would write."""

from hypothesis import given, settings
from hypothesis import strategies as st

from telegram_bot.formatting import render
from tests.telegram_bot.formatting.nothing_lost import lost
from tests.telegram_bot.formatting.telegram_rules import check

MARKUP = [
    *("**", "*", "_", "__", "~~", "||", "`", "``", "```", "~~~", "```python\n", "$", "$$", "\\(", "\\)", "\\[", "\\]"),
    *(
        "\n",
        "\n\n",
        " ",
        "    ",
        "\t",
        "# ",
        "- ",
        "1. ",
        "2) ",
        "> ",
        "- [x] ",
        "---\n",
        "|",
        "|-|\n",
        "\\",
        "!",
        "[^1]",
    ),
    *(
        "| a | b |\n|---|--:|\n| c | d |\n",
        "[x](http://a.b/c_d)",
        '[t](https://q.w "e")',
        "[y](javascript:1)",
        "[",
        "](",
    ),
    *(
        "![i](https://q.w/e)",
        "<https://z.x>",
        "http://a.b/_c_",
        "://",
        "<br>",
        "<b>",
        "</i>",
        "&lt;",
        "&#0;",
        "<think>",
    ),
    *(
        "word",
        "2*3",
        "a_b",
        "$x^2$",
        "$5",
        "слово.",
        "😀",
        "👨‍👩‍👧",
        "🇷🇺",
        "é",
        "\u202e",
        "\u2800",
        "\x00",
        "\x1b",
        "\ud800",
        "\u3164",
    ),
]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300), st.sampled_from([20, 4096]))
def test_any_text_arrives_whole(text: str, limit: int) -> None:
    arrives_whole(text, limit)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(MARKUP), max_size=40).map("".join), st.sampled_from([20, 50, 4096]))
def test_any_mixture_of_markup_arrives_whole(text: str, limit: int) -> None:
    arrives_whole(text, limit)


def arrives_whole(text: str, limit: int) -> None:
    parts = render(text, limit)
    check(parts, limit)
    assert lost(text, (part.text for part in parts)) == ""
    assert render(text, limit) == parts
