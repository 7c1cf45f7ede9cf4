"""Reads a file from standard input and tells its sections, or why it cannot, as JSON."""

import json
import sys
from collections.abc import Callable, Iterator
from importlib import import_module

from backend.reader import limits
from backend.reader.kinds import Kind
from backend.reader.sections import Reason, Section, Unreadable

# Imported when needed: a text needs no PDF library.
READERS = {
    Kind.TEXT: ("text", "plain"),
    Kind.MARKDOWN: ("text", "markdown"),
    Kind.HTML: ("html", "sections"),
    Kind.PDF: ("pdf", "sections"),
    Kind.DOCX: ("docx", "sections"),
}


def main() -> None:
    limits.impose()
    kind = Kind(sys.argv[1])
    told: dict[str, object]
    try:
        told = {"sections": _within_limits(_sections(sys.stdin.buffer.read(), kind))}
    except Exception as error:  # noqa: BLE001 - what a hostile file makes a library raise, nobody can foresee
        told = {"problem": _reason(error)}
    sys.stdout.buffer.write(json.dumps(told, ensure_ascii=False).encode())


def _sections(content: bytes, kind: Kind) -> Iterator[Section]:
    module, name = READERS[kind]
    sections: Callable[[bytes], Iterator[Section]] = getattr(import_module(f"backend.reader.{module}"), name)
    return sections(content)


def _within_limits(sections: Iterator[Section]) -> list[tuple[tuple[str, ...], str]]:
    kept, characters = [], 0
    for section in sections:
        characters += max(len(section.text), limits.SHORTEST_SECTION)
        if characters > limits.MOST_CHARACTERS:
            raise Unreadable("too-long")
        if section.text.strip():
            kept.append((section.headings, section.text))
    if not kept:
        raise Unreadable("empty")
    return kept


def _reason(error: Exception) -> Reason:
    if isinstance(error, Unreadable):
        return error.reason
    return "too-long" if isinstance(error, MemoryError) else "unreadable"


main()
