"""Blocks as Telegram's rich messages take them: https://core.telegram.org/bots/api#inputrichmessage"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, TypeAlias

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
    Table,
)
from telegram_bot.formatting.writing import Joint

# https://core.telegram.org/bots/api#rich-message-formatting-options
MOST_BLOCKS, MOST_COLUMNS, DEEPEST = 500, 20, 16

Rich: TypeAlias = dict[str, Any]


def rich_blocks(joints: Sequence[Joint]) -> tuple[Rich, ...]:
    """The blocks that begin at these joints, if they show more than entities can; else none."""
    blocks = [_some_rows(list(group)) for _, group in groupby(joints, key=lambda joint: id(joint.block))]
    if not any(map(_gains, blocks)):
        return ()
    rich = tuple(map(_rich, blocks))
    return rich if _size(rich) <= MOST_BLOCKS and _depth(rich) <= DEEPEST and _columns(rich) <= MOST_COLUMNS else ()


def _some_rows(joints: list[Joint]) -> Block:
    """The block, or of a table the rows that are here, beneath its header."""
    block = joints[0].block
    if not isinstance(block, Table):
        return block
    rows = [block.rows[joint.row] for joint in joints if joint.row]
    return Table((block.rows[0], *rows), block.aligns)


def _gains(block: Block) -> bool:
    """Whether there is a table or a formula in it."""
    match block:
        case Table() | Formula():
            return True
        case Paragraph(runs) | Heading(runs):
            return any(style.kind == "formula" for run in runs for style in run.styles)
        case Quote(blocks):
            return any(_gains(placed.block) for placed in blocks)
        case Listing(items):
            return any(_gains(placed.block) for item in items for placed in item.blocks)
        case _:
            return False


def _rich(block: Block) -> Rich:
    match block:
        case Paragraph(runs):
            return {"type": "paragraph", "text": _text(runs)}
        case Heading(runs, level):
            return {"type": "heading", "text": _text(runs), "size": level}
        case Code(text, language):
            return {"type": "pre", "text": text} | ({"language": language} if language else {})
        case Formula(source):
            return {"type": "mathematical_expression", "expression": source}
        case Quote() | Listing() | Table() | Divider():
            return _rich_container(block)


def _rich_container(block: Quote | Listing | Table | Divider) -> Rich:
    match block:
        case Quote(blocks):
            return {"type": "blockquote", "blocks": _all(blocks)}
        case Listing(items):
            return {"type": "list", "items": [_item(item) for item in items]}
        case Table(rows, aligns):
            cells = [
                [_cell(*cell, number == 0) for cell in zip(row, aligns, strict=True)] for number, row in enumerate(rows)
            ]
            return {"type": "table", "cells": cells, "is_bordered": True}
        case Divider():
            return {"type": "divider"}


def _all(blocks: Iterable[Placed]) -> list[Rich]:
    return [_rich(placed.block) for placed in blocks]


def _item(item: Item) -> Rich:
    rich: Rich = {"blocks": _all(item.blocks) or [{"type": "paragraph", "text": ""}]}
    if item.number:
        rich |= {"value": int(item.number[:-1]), "type": "1"}
    if item.ticked is not None:
        rich |= {"has_checkbox": True, "is_checked": item.ticked}
    return rich


def _cell(runs: Runs, align: str, is_header: bool) -> Rich:
    return {"text": _text(runs), "align": align, "valign": "top"} | ({"is_header": True} if is_header else {})


def _text(runs: Runs) -> list[Any] | str:
    texts = [_styled(run) for run in runs]
    return texts[0] if len(texts) == 1 and isinstance(texts[0], str) else texts or ""


def _styled(run: Run) -> Rich | str:
    text: Rich | str = run.text
    for style in reversed(run.styles):
        text = _wrapped(text, style)
    return text


def _wrapped(text: Rich | str, style: Style) -> Rich:
    if style.kind == "formula":
        return {"type": "mathematical_expression", "expression": text}
    if style.kind == "link":
        return {"type": "url", "text": text, "url": style.value}
    return {"type": style.kind, "text": text}


def _size(rich: Sequence[Rich]) -> int:
    """How many blocks there are, items and rows of tables counted too."""
    return sum(1 + len(block.get("cells", ())) + _size(_inner(block)) for block in rich)


def _inner(block: Rich) -> list[Rich]:
    return [*block.get("blocks", ()), *block.get("items", ())]


def _columns(rich: Sequence[Rich]) -> int:
    widths = (max([_columns(_inner(block)), *map(len, block.get("cells", ()))]) for block in rich)
    return max(widths, default=0)


def _depth(rich: object) -> int:
    """How deep blocks and formatting lie within each other."""
    match rich:
        case dict():
            return 1 + max(map(_depth, rich.values()), default=0)
        case list() | tuple():
            return max(map(_depth, rich), default=0)
        case _:
            return 0
