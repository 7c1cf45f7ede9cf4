"""What each kind of markup becomes."""

import pytest

from tests.telegram_bot.formatting.marked import shown

LOOKS = {
    "# A **b** `c`": "⟦bold:A b⟧ ⟦code:c⟧",
    "**a *b* `c` d**": "⟦bold:a ⟦italic:b⟧⟧ ⟦code:c⟧ ⟦bold:d⟧",
    "~~a~~ ||b|| __c d__ _e_": "⟦strikethrough:a⟧ ⟦spoiler:b⟧ ⟦bold:c d⟧ ⟦italic:e⟧",
    "||secret `code`||": "⟦spoiler:secret code⟧",
    "- a\n  - b\n    1. c\n\n    d": "• a\n    ◦ b\n        1. c\n\n        d",
    "3) a\n5) b": "3) a\n5) b",
    "1. a\n1. b": "1. a\n2. b",
    "- [x] a\n- [ ] b": "☑ a\n☐ b",
    "- a:\n  ```py\n  x\n  ```": "• a:\n⟦pre,py:x⟧",
    "```\n\tx\n```": "⟦pre:    x⟧",
    "```c++ title=a.cpp\nx\n```": "title=a.cpp\n⟦pre,c++:x⟧",
    "```python\nx = 1": "⟦pre,python:x = 1⟧",
    "> a\n> > b\n> > > c": "⟦blockquote:a\n> b\n> > c⟧",
    "a\n***\nb": "a\n\n———\nb",
    "a\n---\nb": "a\n\n———\nb",
    "[a](https://e.com/x_(y))": "⟦text_link,https://e.com/x_(y):a⟧",
    '[a](https://e.com "Title")': "⟦text_link,https://e.com:a⟧ (Title)",
    "[`a`](https://e.com)": "⟦text_link,https://e.com:a⟧",
    "[a](https://e.com)[b](https://f.com)": "⟦text_link,https://e.com:a⟧⟦text_link,https://f.com:b⟧",
    "![a](https://e.com/i.png)": "⟦text_link,https://e.com/i.png:a⟧",
    "![](https://e.com/i.png)": "⟦text_link,https://e.com/i.png:https://e.com/i.png⟧",
    "<https://e.com/_a_>": "⟦text_link,https://e.com/_a_:https://e.com/_a_⟧",
    "[write](mailto:a@e.com)": "write (a@e.com)",
    "[a](javascript:b) [c](./d) [e](http://localhost/)": "[a](javascript:b) [c](./d) [e](http://localhost/)",
    "https://e.com/_a_/*b*": "https://e.com/_a_/*b*",
    "see **https://e.com/_a**": "see ⟦bold:https://e.com/_a⟧",
    "a_b _c_d __init__ e_f_": "a_b _c_d __init__ e_f_",
    "2*3*4 **b**s *.py": "2*3*4 ⟦bold:b⟧s *.py",
    "$x^2$ \\(y\\) $$z$$": "⟦code:x^2⟧ ⟦code:y⟧ ⟦code:z⟧",
    "$$\na\n- b\n$$": "⟦pre,latex:a\n- b⟧",
    "\\[\na_1 = b_2\n\\]": "⟦pre,latex:a_1 = b_2⟧",
    "$5 and $10, $HOME, 5$": "$5 and $10, $HOME, 5$",
    "a List<String> <b>x</b> &lt;<br>y": "a List<String> <b>x</b> <\ny",
    "[^1] x\n\n[^1]: word": "[^1] x\n\n[^1]: word",
    "**a": "**a",
    "a\x00\u202eb\ud800": "ab\ufffd",
}


@pytest.mark.parametrize(("markdown", "looks"), LOOKS.items(), ids=LOOKS)
def test_markup_becomes_a_look(markdown: str, looks: str) -> None:
    assert shown(markdown) == looks


def test_a_narrow_table_keeps_its_columns() -> None:
    assert shown("| a | b |\n|:--|--:|\n| cc | 1 |\n| 名 | 22 |") == ("⟦pre:a  |  b\n---+---\ncc |  1\n名 | 22⟧")


def test_a_wide_table_becomes_lines() -> None:
    wide = "w" * 30
    assert shown(f"| a | b | c |\n|---|---|---|\n| x | {wide} | |\n| y | | [z](https://e.com) |") == (
        f"⟦bold:a · b · c⟧\n\n⟦bold:x⟧\nb: {wide}\n\n⟦bold:y⟧\nc: ⟦text_link,https://e.com:z⟧"
    )


def test_cells_without_a_column_stay() -> None:
    assert shown("| a | b |\n|---|---|\n| 1 | 2 | 3 | 4 |").endswith("1 | 2 | 3 | 4⟧")


def test_what_follows_a_table_is_no_row_of_it() -> None:
    assert shown("| a |\n|---|\n| 1 |\ntext").endswith("1⟧\ntext")


def test_a_long_quote_is_folded() -> None:
    assert shown("> " + "word " * 200).startswith("⟦expandable_blockquote:word")
