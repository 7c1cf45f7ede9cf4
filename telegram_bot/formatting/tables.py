"""How a table is shown where there are none: as columns of characters of one width, or as lines."""

import unicodedata
from collections.abc import Iterator, Sequence

from telegram_bot.formatting.blocks import Run, Runs, Style, Styles, Table, plain

WIDEST = 40  # characters of one width that a phone shows in a line
_LOOKS = frozenset({"link", "spoiler"})  # what columns cannot show


def columns(table: Table) -> list[str] | None:
    """The rows with their cells aligned; None where that is too wide, or would lose what a cell shows."""
    runs = [run for row in table.rows for cell in row for run in cell]
    if any(style.kind in _LOOKS for run in runs for style in run.styles):
        return None
    cells = [[plain(cell).strip().split("\n") for cell in row] for row in table.rows]
    widths = [max(_width(line) for row in cells for line in row[column]) for column in range(len(cells[0]))]
    if sum(widths) + 3 * (len(widths) - 1) > WIDEST:
        return None
    rows = ["\n".join(_lines(row, widths, table.aligns)) for row in cells]
    return [f"{rows[0]}\n{'-+-'.join('-' * width for width in widths)}", *rows[1:]]


def _lines(row: list[list[str]], widths: list[int], aligns: Sequence[str]) -> Iterator[str]:
    for number in range(max(map(len, row))):
        texts = (lines[number] if number < len(lines) else "" for lines in row)
        yield " | ".join(map(_padded, texts, widths, aligns)).rstrip()


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
