"""The text layer of a PDF, under the titles of its outline."""

import re
from collections.abc import Iterator
from itertools import groupby

import pypdfium2 as pdfium
from pypdfium2.raw import FPDF_ERR_PASSWORD

from backend.reader.sections import LONGEST_TITLE, Section, Unreadable, cleaned

# So the engine marks a word that was divided at the end of a line.
DIVIDED = re.compile("[\x02\ufffe]\\s*")
LINE_END = re.compile(r"\n(?=(\w))")
# An outline is a help, no more: a file is no worse for one that is broken, deep or endless.
MOST_TITLES = 10_000


def sections(content: bytes) -> Iterator[Section]:
    """Raises `Unreadable`."""
    try:
        file = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        raise Unreadable("encrypted" if error.err_code == FPDF_ERR_PASSWORD else "unreadable") from error
    places = _places(file)
    for headings, numbers in groupby(range(len(file)), key=places.__getitem__):
        yield Section(headings, joined("\n".join(_text(file[number]) for number in numbers)))


def _places(file: pdfium.PdfDocument) -> list[tuple[str, ...]]:
    """The titles that each page stands under: where several begin, the first, and for the pages after it the last."""
    first: dict[int, tuple[str, ...]] = {}
    last: dict[int, tuple[str, ...]] = {}
    path: tuple[str, ...] = ()
    for _, title in zip(range(MOST_TITLES), file.get_toc(), strict=False):
        path = (*path[: title.level], " ".join(cleaned(title.get_title()).split())[:LONGEST_TITLE])
        if (place := title.get_dest()) and (number := place.get_index()) is not None:
            first.setdefault(number, path)
            last[number] = path
    places: list[tuple[str, ...]] = []
    before: tuple[str, ...] = ()
    for number in range(len(file)):
        places.append(first.get(number, before))
        before = last.get(number, before)
    return places


def _text(page: pdfium.PdfPage) -> str:
    """Closed at once: a file may have a hundred thousand pages."""
    lines = page.get_textpage()
    text = lines.get_text_bounded()
    lines.close()
    page.close()
    return cleaned(DIVIDED.sub("", text))


def joined(text: str) -> str:
    """A line that goes on in small letters is the same sentence: the page was too narrow for it."""
    return LINE_END.sub(lambda end: " " if end[1].islower() else "\n", text)
