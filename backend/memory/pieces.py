"""Cuts a long message into pieces that each can be found for what they say."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TypeAlias

# A text up to the first stays whole; a longer one is cut into pieces of about the second, in characters.
LONGEST, USUAL = 900, 700

Span: TypeAlias = tuple[int, int]

# Where a text may be cut, best first: after a paragraph, a line, a sentence, a word.
_CUTS = [re.compile(cut) for cut in (r"\n\s*\n", r"\n", r"[.!?…]+[\"'»”)\]]*\s|[。！？]+", r"\s")]
_CODE = re.compile(r"^(?:```.*?^```|~~~.*?^~~~)[^\n]*\n?", re.MULTILINE | re.DOTALL)


def pieces(text: str) -> list[str]:
    """The text in pieces of at most `LONGEST` characters, without the whitespace around each; none of an empty one.

    A code block is kept together, and a word is cut, only if it alone is within or beyond that size.
    """
    text = text.strip()
    if len(text) <= LONGEST:
        return [text] if text else []
    return [piece for piece in map(str.strip, _cut(text)) if piece]


def _cut(text: str) -> Iterator[str]:
    code = [block.span() for block in _CODE.finditer(text)]
    ends = [end for _, end in code]
    start = 0
    while len(text) - start > LONGEST:
        end = _end(text, start, code[(past := bisect_right(ends, start)) : past + LONGEST])
        yield text[start:end]
        start = end
        while text[start].isspace():
            start += 1
    yield text[start:]


def _end(text: str, start: int, code: Sequence[Span]) -> int:
    """The best place to cut: outside of code blocks if there is one, the one nearest to the usual length."""
    near = list(_until(code, start + LONGEST))
    for blocks in (near, []):
        for cut in _CUTS:
            ends = [found.end() for found in cut.finditer(text, start + USUAL // 2, start + LONGEST)]
            if outside := [end for end in ends if not any(begin < end < until for begin, until in blocks)]:
                return min(outside, key=lambda end: abs(end - start - USUAL))
        for begin, until in blocks:
            if begin > start and until - begin <= LONGEST:
                return begin
    words = [found.end() for found in _CUTS[-1].finditer(text, start, start + LONGEST)]
    return words[-1] if words else start + USUAL


def _until(code: Sequence[Span], end: int) -> Iterator[Span]:
    for begin, until in code:
        if begin >= end:
            return
        yield begin, until
