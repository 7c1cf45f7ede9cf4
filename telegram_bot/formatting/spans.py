"""Stretches of a text that Telegram shows in a look of their own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from telegram_bot.formatting.blocks import Run, Style, Styles

LONG_QUOTE = 700  # characters; a longer one is folded until somebody taps it

_ENTITIES = {"link": "text_link", "formula": "code"}
_MONOSPACED = frozenset({"code", "formula", "pre"})
_LINES = frozenset({"pre", "blockquote", "expandable_blockquote"})


@dataclass(frozen=True, slots=True)
class Span:
    """An entity, before it is known in which message; counted in characters."""

    type: str
    start: int
    end: int
    value: str = ""

    def within(self, start: int, end: int, text: str) -> "Span | None":
        """What of it lies there, without the white space around it, which Telegram would take away."""
        start, end = max(start, self.start), min(end, self.end)
        blank = "\n" if self.type in _LINES else None
        covered = text[start:end]
        start += len(covered) - len(covered.lstrip(blank))
        end -= len(covered) - len(covered.rstrip())
        return Span(self.type, start, end, self.value) if start < end else None


def find_spans(pieces: Iterable[Run]) -> list[Span]:
    """The entities of a text, an outer one before those in it; they never cross."""
    return sorted(_spans(pieces), key=lambda span: (span.start, -span.end))


def _spans(pieces: Iterable[Run]) -> Iterator[Span]:
    position = 0
    opened: list[tuple[Style, int]] = []
    for piece in [*pieces, Run("")]:
        styles = _allowed(piece.styles)
        common = 0
        while common < min(len(styles), len(opened)) and styles[common] is opened[common][0]:
            common += 1
        yield from (_span(style, start, position) for style, start in opened[common:])
        opened[common:] = [(style, position) for style in styles[common:]]
        position += len(piece.text)


def _allowed(styles: Styles) -> Styles:
    """Telegram shows what is monospaced in no other look but a quote's; a link or a spoiler matters more."""
    kinds = {style.kind for style in styles}
    if not kinds & _MONOSPACED:
        return styles
    if kinds & {"link", "spoiler"}:
        return tuple(style for style in styles if style.kind not in _MONOSPACED)
    return tuple(style for style in styles if style.kind in _MONOSPACED or style.kind == "blockquote")


def _span(style: Style, start: int, end: int) -> Span:
    if style.kind == "blockquote" and end - start > LONG_QUOTE:
        return Span("expandable_blockquote", start, end)
    return Span(_ENTITIES.get(style.kind, style.kind), start, end, style.value)
