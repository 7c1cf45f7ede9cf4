"""What a file is read into: sections, each under the headings that lead to it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Reason: TypeAlias = Literal["unreadable", "too-long", "encrypted", "empty"]

# Postgres stores neither NUL nor half characters; the rest is invisible, and would only split words.
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u00ad\u200b\ud800-\udfff\ufeff\ufffe\uffff]")
LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")

LONGEST_TITLE = 100


class Unreadable(Exception):
    """The file cannot become memory; `reason` says why, in a word that stays the same."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Section:
    """Text without a heading inside; `headings` are those above it, the widest first."""

    headings: tuple[str, ...]
    text: str


class Sections:
    """Collects a file's lines, and its headings with their levels, in the order in which they come."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._lines: list[str] = []
        self._line: list[str] = []
        self._begun = False
        self._done: list[Section] = []

    def write(self, text: str) -> None:
        """Goes on with the line."""
        self._line.append(text)
        self._begun = self._begun or bool(text.strip())

    def begin_cell(self) -> None:
        """The next part of a row, which is a line."""
        if self._begun:
            self.write(" | ")

    def take_line(self) -> str:
        """What the line holds so far, in single spaces; it begins anew."""
        line = " ".join("".join(self._line).split())
        self._line.clear()
        self._begun = False
        return line

    def end_line(self, before: str = "") -> None:
        """An empty line is none; any other gets `before` in front."""
        if line := self.take_line():
            self._lines.append(before + line)

    def add_line(self, line: str) -> None:
        """A whole line, as it is."""
        self._lines.append(line)

    def head(self, level: int, title: str) -> None:
        """What follows stands under this heading; 1 is the widest level."""
        if title := title.strip()[:LONGEST_TITLE]:
            self._end_section(level)
            self._path = [(above, each) for above, each in self._path if above < level] + [(level, title)]

    def all(self) -> Iterator[Section]:
        self.end_line()
        self._end_section(0)
        return iter(self._done)

    def _end_section(self, next_level: int) -> None:
        """A heading with nothing beneath it is a text as well."""
        text = "\n".join(self._lines).strip("\n")
        self._lines.clear()
        if not text.strip() and self._path and self._path[-1][0] >= next_level and not self._told:
            text = self._path[-1][1]
        if text.strip():
            self._done.append(Section(tuple(title for _, title in self._path), text))

    @property
    def _told(self) -> bool:
        """Whether something was said under the last heading, or a narrower one."""
        path = tuple(title for _, title in self._path)
        return bool(self._done) and self._done[-1].headings[: len(path)] == path


def cleaned(text: str) -> str:
    """With plain line ends, and without what nobody sees."""
    return INVISIBLE.sub("", LINE_END.sub("\n", text))
