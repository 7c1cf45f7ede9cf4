"""A text as a model meant it: blocks of runs, before it is known how Telegram shows them."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """One stretch of a look. Two of them are never equal, so that what ended does not go on in its neighbour."""

    kind: str
    value: str = ""


Styles: TypeAlias = tuple[Style, ...]  # from the outermost to the innermost


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one look."""

    text: str
    styles: Styles = ()


Runs: TypeAlias = tuple[Run, ...]


def plain(runs: Runs) -> str:
    return "".join(run.text for run in runs)


@dataclass(frozen=True, slots=True)
class Paragraph:
    runs: Runs


@dataclass(frozen=True, slots=True)
class Heading:
    runs: Runs
    level: int


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Formula:
    source: str


@dataclass(frozen=True, slots=True)
class Divider:
    """A line between two blocks."""


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple["Placed", ...]


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list: `number` as `3.` or `3)`, or nothing; `ticked` is None where there is nothing to tick."""

    number: str
    ticked: bool | None
    blocks: tuple["Placed", ...]
    apart: bool


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, the first row being the header; `aligns` are left, center or right, one per column."""

    rows: tuple[tuple[Runs, ...], ...]
    aligns: tuple[str, ...]


Block: TypeAlias = Paragraph | Heading | Code | Formula | Divider | Quote | Listing | Table


@dataclass(frozen=True, slots=True)
class Placed:
    """A block, and whether an empty line stands before it."""

    block: Block
    apart: bool
