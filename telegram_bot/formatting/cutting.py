"""Where a long text is taken apart, so that each part fits into a message."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from telegram_bot.formatting.parts import MOST_ENTITIES
from telegram_bot.formatting.spans import Span

# Where a text may be cut, best first: after a paragraph, a line, a sentence, a word.
_CUTS = [re.compile(cut) for cut in (r"\n\s*\n", r"\n", r"[.!?…]+[\"'»”)\]]*\s", r"\s")]
_JOINER = "\u200d"
_LONGEST_CLUSTER = 32  # characters that make one sign, as a family of emoji or a flag does


def cut(text: str, spans: Sequence[Span], joints: Sequence[int], limit: int) -> Iterator[tuple[int, int]]:
    """Stretches that together are the text, each of at most `limit` UTF-16 code units and a message's entities.

    `spans` are sorted; `joints` are where blocks begin: better places than any other.
    """
    starts = [span.start for span in spans]
    start = 0
    while start < len(text):
        end = start + _fitting(text[start : start + limit], limit)
        end = min(end, _end_of_entities(start, spans, starts))
        if end < len(text):
            end = _best_cut(text, start, end, joints)
        yield start, end
        start = end


def _fitting(text: str, limit: int) -> int:
    """How many characters fit; one beyond U+FFFF counts twice and is never halved."""
    widths = accumulate(1 + (character > "\uffff") for character in text)
    return max(bisect_right(list(widths), limit), 1)


def _end_of_entities(start: int, spans: Sequence[Span], starts: Sequence[int]) -> int:
    """Where an entity begins that the message has no place for."""
    first = bisect_left(starts, start)
    going_on = sum(span.end > start for span in spans[:first])
    beyond = first + MOST_ENTITIES - going_on
    return max(starts[beyond], start + 1) if beyond < len(starts) else spans[-1].end + (1 << 60) if spans else 1 << 60


def _best_cut(text: str, start: int, end: int, joints: Sequence[int]) -> int:
    """The last good place before `end`, not so early that a crumb is left; any word before none."""
    earliest = start + (end - start) // 2
    if (before := bisect_right(joints, end)) and joints[before - 1] > earliest:
        return joints[before - 1]
    for cut, since in [*((cut, earliest) for cut in _CUTS), (_CUTS[-1], start)]:
        ends = [found.end() for found in cut.finditer(text, start, end) if found.end() > since]
        if ends:
            return ends[-1]
    return _between_signs(text, start, end)


def _between_signs(text: str, start: int, end: int) -> int:
    """A place not far before `end` where no accent, emoji or flag is torn."""
    for place in range(end, max(start, end - _LONGEST_CLUSTER), -1):
        if not _torn(text, place):
            return place
    return end


def _torn(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    if _JOINER in (before, after) or unicodedata.category(after) in ("Mn", "Me", "Mc"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return True
    if not ("\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff"):
        return False
    letters = re.search("[\U0001f1e6-\U0001f1ff]+$", text[max(0, place - _LONGEST_CLUSTER) : place])
    return bool(letters and len(letters[0]) % 2)
