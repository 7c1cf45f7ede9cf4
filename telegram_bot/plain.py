"""The words of a message, whatever form they have."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiogram.types import Message

MARKUP = re.compile(r"([\\`*_~])")
# Where rich texts keep what is read within a line, in the order in which it is read.
INLINE = ("summary", "text", "expression", "alternative_text", "caption", "credit")


def text_of(message: Message) -> str:
    """What is written in a message: its text, its caption, or a rich message without its form; else nothing."""
    if message.rich_message is None:
        return message.text or message.caption or ""
    blocks = message.rich_message.model_dump(mode="json", exclude_none=True)["blocks"]
    return "\n".join(line for line in _lines(blocks) if line.strip())


def escaped(name: str) -> str:
    """A name that somebody gave, to be read as it is where Markdown is understood."""
    return MARKUP.sub(r"\\\1", name)


def _lines(blocks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for block in blocks:
        yield _inline(block)
        for row in block.get("cells", ()):
            yield " | ".join(_inline(cell) for cell in row)
        for item in block.get("items", ()):
            yield f"{item['label']} {' '.join(_lines(item['blocks']))}"
        yield from _lines(block.get("blocks", ()))


def _inline(value: Any) -> str:
    match value:
        case str():
            return value
        case list():
            return "".join(_inline(part) for part in value)
        case dict():
            return "".join(_inline(value[name]) for name in INLINE if name in value)
    return ""
