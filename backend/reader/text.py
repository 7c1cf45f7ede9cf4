"""Plain text and Markdown, in whatever encoding."""

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress

from charset_normalizer import from_bytes

from backend.reader.sections import Section, Sections, Unreadable, cleaned

# UTF-32 begins with the mark of UTF-16, so it is looked for first; each of the names swallows its mark.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
RUSSIAN = ("cp1251", "koi8-r", "cp866")
# Two thirds of a Russian text are these letters; in the wrong encoding, or another language, far fewer of them are.
FREQUENT, FREQUENT_SHARE = frozenset("оеаинтсрвлк"), 0.45
SAMPLE_BYTES = 100_000

HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+")
CLOSING = re.compile(r"(?:^|[ \t])#+$")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def plain(content: bytes) -> Iterator[Section]:
    yield Section((), cleaned(decode(content)))


def markdown(content: bytes) -> Iterator[Section]:
    """As it is written; only headings (CommonMark, 4.2) become those of sections, unless they are inside of code."""
    sections, fence = Sections(), ""
    for line in cleaned(decode(content)).split("\n"):
        if mark := FENCE.match(line):
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        heading = None if fence else HEADING.match(line)
        if heading:
            sections.head(len(heading[1]), CLOSING.sub("", line[heading.end() :].strip()))
        else:
            sections.add_line(line)
    return sections.all()


def decode(content: bytes) -> str:
    """By its mark, else as UTF-8, else by what it looks like. Raises `Unreadable`."""
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    with suppress(UnicodeDecodeError):
        return content.decode()
    if guessed := guess(content[:SAMPLE_BYTES]):
        return content.decode(guessed, "replace")
    raise Unreadable("unreadable")


def guess(sample: bytes) -> str | None:
    """Russian is asked for first: a general guess needs more than a line of it."""
    shares = {encoding: _frequent_share(sample.decode(encoding, "replace")) for encoding in RUSSIAN}
    likely = max(RUSSIAN, key=lambda encoding: shares[encoding])
    if shares[likely] >= FREQUENT_SHARE:
        return likely
    best = from_bytes(sample).best()
    return best.encoding if best else None


def _frequent_share(text: str) -> float:
    """How many of the characters beyond ASCII are frequent Russian letters."""
    beyond = [character for character in text if character > "\x7f"]
    return sum(character in FREQUENT for character in beyond) / max(1, len(beyond))
