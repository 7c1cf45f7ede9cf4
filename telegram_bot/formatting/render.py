"""The way from Markdown to messages."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from telegram_bot.formatting.blocks import Heading, Paragraph, Placed, Run, plain
from telegram_bot.formatting.cleaning import clean, visible
from telegram_bot.formatting.composing import units
from telegram_bot.formatting.cutting import cut
from telegram_bot.formatting.parts import LIMIT, Entity, Part
from telegram_bot.formatting.reading import read
from telegram_bot.formatting.rich import Rich, rich_blocks
from telegram_bot.formatting.spans import Span, find_spans
from telegram_bot.formatting.writing import Joint, write


def render(markdown: str, limit: int = LIMIT, *, postscript: str = "") -> list[Part]:
    """The messages that together show a text, each of at most `limit` UTF-16 code units.

    The postscript, which is no Markdown, stands below it, whatever the text has left open. There is no message where
    nothing is to be seen. It never fails, also for a text that is still being written, and makes the same messages of
    the same text.
    """
    below = (Placed(Paragraph((Run(clean(postscript)),)), apart=True),) if postscript else ()
    sheet = write((*read(clean(markdown)), *below))
    text, spans = plain(sheet.pieces), find_spans(sheet.pieces)
    joints = [joint.at for before, joint in pairwise(sheet.joints) if not isinstance(before.block, Heading)]
    parts = (
        _part(text, start, end, spans, _rich(text, start, end, sheet.joints))
        for start, end in cut(text, spans, joints, limit)
    )
    return [part for part in parts if visible(part.text)]


def _part(text: str, start: int, end: int, spans: Sequence[Span], rich: tuple[Rich, ...]) -> Part:
    start, end = _trimmed(text, start, end, spans)
    shown = text[start:end]
    inside = [found for span in spans if (found := span.within(start, end, text))]
    entities = (_entity(text, span, units(text[start : span.start])) for span in inside)
    return Part(shown, tuple(sorted(entities, key=lambda entity: (entity.offset, -entity.length))), rich)


def _trimmed(text: str, start: int, end: int, spans: Sequence[Span]) -> tuple[int, int]:
    """The stretch without the white space around it, but for what indents the first line of code."""
    shown = text[start:end].rstrip()
    end = start + len(shown)
    start = end - len(shown.lstrip("\n"))
    if any(span.type == "pre" and span.start <= start < span.end for span in spans):
        return start, end
    return end - len(text[start:end].lstrip()), end


def _entity(text: str, span: Span, offset: int) -> Entity:
    return Entity(
        span.type,
        offset,
        units(text[span.start : span.end]),
        url=span.value if span.type == "text_link" else None,
        language=(span.value or None) if span.type == "pre" else None,
    )


def _rich(text: str, start: int, end: int, joints: Sequence[Joint]) -> tuple[Rich, ...]:
    """The same as blocks, where whole ones lie there."""
    places = [joint.at for joint in joints]
    first, last = bisect_left(places, start), bisect_left(places, end)
    at_end = places[last] if last < len(places) else len(text)
    if first == last or text[start : places[first]].strip() or text[end:at_end].strip():
        return ()
    return rich_blocks(joints[first:last])
