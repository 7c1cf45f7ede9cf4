"""Cuts a text into messages that Telegram accepts."""

import re
from collections.abc import Iterator
from itertools import accumulate

LIMIT = 4096  # UTF-16 code units per message: https://core.telegram.org/bots/api#sendmessage

# Where a text may be cut, best first: after a paragraph, a line, a sentence, a word.
_CUTS = [re.compile(cut) for cut in (r"\n\s*\n", r"\n", r"[.!?…]+[\"'»”)\]]*\s", r"\s")]


def split(text: str, limit: int = LIMIT) -> list[str]:
    """Pieces of at most `limit` UTF-16 code units that together are the text.

    Pieces of nothing but whitespace are left out: Telegram refuses them.
    """
    return [piece for piece in _pieces(text, limit) if piece.strip()]


def _pieces(text: str, limit: int) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = start + _fitting(text[start : start + limit], limit)
        if end < len(text):
            end = _best_cut(text, start, end)
        yield text[start:end]
        start = end


def _fitting(text: str, limit: int) -> int:
    """How many characters fit; one beyond U+FFFF counts twice and is never halved."""
    widths = accumulate(1 + (character > "\uffff") for character in text)
    return max(sum(width <= limit for width in widths), 1)


def _best_cut(text: str, start: int, end: int) -> int:
    """The last good place before `end`, not so early that a crumb is left; any word before none."""
    earliest = start + (end - start) // 2
    for cut, since in [*((cut, earliest) for cut in _CUTS), (_CUTS[-1], start)]:
        ends = [match.end() for match in cut.finditer(text, start, end) if match.end() > since]
        if ends:
            return ends[-1]
    return end
