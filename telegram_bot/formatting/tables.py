"""How a table is shown where there are none: as columns of characters of one width, or as lines."""

import unicodedata
from collections.abc import Iterator, Sequence

from telegram_bot.formatting.blocks import Run, Runs, Style, Styles, Table, plain

WIDEST = 40  # characters of one width that a phone shows in a line
_LOOKS = frozenset({"link", "spoiler"})  # what columns cannot show


def columns(table: Table) -> list[str] | None:
    """The rows with their cells aligned; None where that is too wide, or would lose what a cell shows."""
    runs = [run for row in table.rows for cell in row for run in cell]
    if any("\n" in run.text or any(style.kind in _LOOKS for style in run.styles) for run in runs):
        return None
    cells = [[plain(cell).strip() for cell in row] for row in table.rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    if sum(widths) + 3 * (len(widths) - 1) > WIDEST:
        return None
    header, *rows = (" | ".join(map(_padded, row, widths, table.aligns)).rstrip() for row in cells)
    return [f"{header}\n{'-+-'.join('-' * width for width in widths)}", *rows]


def _padded(text: str, width: int, align: str) -> str:
    missing = width - _width(text)
    before = {"right": missing, "center": missing // 2}.get(align, 0)
    return " " * before + text + " " * (missing - before)


def _width(text: str) -> int:
    """In columns of a terminal: https://www.unicode.org/reports/tr11/"""
    return sum(
        0
        if unicodedata.category(character) in ("Mn", "Me", "Cf")
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def lines(table: Table) -> list[Runs]:
    """The rows as lines: the header, then each row beneath its first cell, each value after its column's name."""
    header, *rows = table.rows
    bold: Styles = (Style("bold"),)
    names = [plain(cell).strip() for cell in header]
    return [tuple(_joined(header, " · ", bold)), *(tuple(_row(row, names)) for row in rows)]


def _joined(cells: Sequence[Runs], between: str, styles: Styles) -> Iterator[Run]:
    for number, cell in enumerate(cell for cell in cells if plain(cell).strip()):
        if number:
            yield Run(between, styles)
        yield from styled(cell, styles)


def _row(row: Sequence[Runs], names: Sequence[str]) -> Iterator[Run]:
    first, *others = row
    yield from styled(first, (Style("bold"),)) if others else first
    separator = "\n" if plain(first).strip() else ""
    for name, cell in zip(names[1:], others, strict=True):
        if plain(cell).strip():
            yield Run(f"{separator}{name}: " if name else separator)
            yield from cell
            separator = "\n"


def styled(runs: Runs, styles: Styles) -> Iterator[Run]:
    """The runs, all of them with some styles more."""
    kinds = {style.kind for style in styles}
    for run in runs:
        yield Run(run.text, (*styles, *(style for style in run.styles if style.kind not in kinds)))
