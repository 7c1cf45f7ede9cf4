"""Finds what a message lost of the Markdown it was made of, without a parser.

Every letter and every digit of the source must be in the messages, in the same order. Not counted are those that are
markup: where a link leads, the language of a block of code, the number of a list's item, the x of a ticked box, `<br>`
and character references; in a formula or in code, where the same may be text, they are not counted either. Nor are
fillers, which are letters that nobody sees.
"""

import re
from collections.abc import Iterable

_LINE_START = r"^(?:[ \t>]|(?:[-*+]|\d{1,9}[.)])(?=[ \t]|$))*"
_FILLERS = "\u115f\u1160\u3164\uffa0"
_DROPPED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\ufeff]")
_MARKUP = re.compile(
    r"\]\(\s*(?:<[^<>\n]*>|[^\s>]+)"
    r"|<br\s*/?>"
    r"|&#?\w+;"
    rf"|{_LINE_START}(?:`{{3,}}|~{{3,}})[ \t]*[^\s`]*"
    rf"|{_LINE_START}\[[xX]\](?=[ \t])"
    rf"|{_LINE_START}",
    re.IGNORECASE | re.MULTILINE,
)


def lost(markdown: str, texts: Iterable[str]) -> str:
    """What is missing, from the first letter or digit that is, with what stands before it; empty if nothing is."""
    shown = iter("".join(texts))
    markdown = _DROPPED.sub("", markdown)
    needed = _MARKUP.sub(lambda found: re.sub(r"\w", "\0", found[0]), markdown)
    for place, character in enumerate(needed):
        if character.isalnum() and character not in _FILLERS and character not in shown:
            return markdown[max(0, place - 30) : place + 30]
    return ""
