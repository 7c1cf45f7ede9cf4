"""Writes blocks as one text of any length, with stretches of looks, as messages without rich blocks show it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from telegram_bot.formatting import tables
from telegram_bot.formatting.blocks import (
    Block,
    Code,
    Divider,
    Formula,
    Heading,
    Item,
    Listing,
    Paragraph,
    Placed,
    Quote,
    Run,
    Runs,
    Style,
    Styles,
    Table,
    plain,
)

DIVIDER = "———"
_BULLETS = "•◦▪"
_INDENT = "    "
_BOXES = {True: "☑", False: "☐"}


@dataclass(frozen=True, slots=True)
class Joint:
    """Where a block of the outermost level begins, or a row of such a table."""

    at: int
    block: Block
    row: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """The text, in pieces of one look each, and where it may be taken apart."""

    pieces: tuple[Run, ...]
    joints: tuple[Joint, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a block stands: `lead` begins its first line, `indent` every other."""

    lead: str = ""
    indent: str = ""
    styles: Styles = ()
    depth: int = 0
    top: bool = True

    @property
    def line(self) -> str:
        return "\n" + self.indent


def write(blocks: Iterable[Placed]) -> Sheet:
    writer = _Writer()
    writer.blocks(blocks, _Place())
    return Sheet(tuple(writer.pieces), tuple(writer.joints))


@dataclass(slots=True)
class _Writer:
    pieces: list[Run] = field(default_factory=list)
    joints: list[Joint] = field(default_factory=list)
    _length: int = 0

    def put(self, text: str, styles: Styles) -> None:
        if text:
            self.pieces.append(Run(text.replace("\t", " "), styles))
            self._length += len(text)

    def blocks(self, blocks: Iterable[Placed], place: _Place) -> None:
        lead = place.lead
        for number, placed in enumerate(blocks):
            if number:
                lead = place.indent
                self.put("\n\n" if placed.apart else "\n", place.styles)
            self._block(placed.block, replace(place, lead=lead))

    def _block(self, block: Block, place: _Place) -> None:
        if isinstance(block, Quote) and place.styles:
            self._quote_in_quote(block, place)
            return
        if isinstance(block, Code | Formula | Quote | Table):
            self._on_lines_of_its_own(block, place)
            return
        self._joint(block, place)
        match block:
            case Paragraph(runs):
                self._runs(runs, place)
            case Heading(runs):
                self._runs(tuple(tables.styled(runs, (Style("bold"),))), place)
            case Divider():
                self.put(place.lead + DIVIDER, place.styles)
            case Listing(items):
                self._list(items, place)

    def _on_lines_of_its_own(self, block: Code | Formula | Quote | Table, place: _Place) -> None:
        """Such a block's look belongs to all of a line, also to what would indent it."""
        if place.lead.strip():
            self.put(place.lead.rstrip() + "\n", place.styles)
        place = replace(place, lead="", indent="")
        match block:
            case Code(text, language):
                self._joint(block, place)
                self.put(text, (*place.styles, Style("pre", language)))
            case Formula(source):
                self._joint(block, place)
                self.put(source, (*place.styles, Style("pre", "latex")))
            case Quote(blocks):
                self._joint(block, place)
                self.blocks(blocks, replace(place, styles=(Style("blockquote"),), top=False))
            case Table():
                self._table(block, place)

    def _joint(self, block: Block, place: _Place, row: int = 0) -> None:
        if place.top:
            self.joints.append(Joint(self._length, block, row))

    def _runs(self, runs: Runs, place: _Place) -> None:
        self.put(place.lead, place.styles)
        for run in runs:
            self.put(run.text.replace("\n", place.line), (*place.styles, *run.styles))

    def _quote_in_quote(self, quote: Quote, place: _Place) -> None:
        """Telegram has none, so it is marked as in a letter."""
        inner = replace(place, lead=place.lead + "> ", indent=place.indent + "> ", top=False)
        self.blocks(quote.blocks, inner)

    def _list(self, items: tuple[Item, ...], place: _Place) -> None:
        lead = place.lead
        for number, item in enumerate(items):
            if number:
                lead = place.indent
                self.put("\n\n" if item.apart else "\n", place.styles)
            bullet = _BULLETS[min(place.depth, len(_BULLETS) - 1)]
            mark = item.number or (bullet if item.ticked is None else "")
            box = "" if item.ticked is None else _BOXES[item.ticked]
            lead += " ".join(filter(None, (mark, box))) + " "
            inner = replace(place, lead=lead, indent=place.indent + _INDENT, depth=place.depth + 1, top=False)
            self.blocks(item.blocks, inner) if item.blocks else self.put(lead.rstrip(), place.styles)

    def _table(self, table: Table, place: _Place) -> None:
        aligned = tables.columns(table)
        rows: list[Runs] = [(Run(row),) for row in aligned] if aligned else tables.lines(table)
        styles = (*place.styles, Style("pre")) if aligned else place.styles
        written = False
        for number, row in enumerate(rows):
            if not plain(row).strip():
                continue
            if written:
                self.put("\n" if aligned else "\n\n", styles)
            self._joint(table, place, number)
            self._runs(row, replace(place, styles=styles))
            written = True
