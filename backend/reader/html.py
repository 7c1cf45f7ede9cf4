"""The readable text of a web page."""

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress

from lxml import etree
from lxml.html import HTMLParser

from backend.reader.sections import Section, Sections, Unreadable, cleaned
from backend.reader.text import MARKS, decode

# What a browser runs, draws or lets a person press: it says nothing.
SILENT = {
    "script", "style", "noscript", "template", "svg", "math", "nav", "button", "select", "textarea", "iframe", "object",
    "canvas", "audio", "video",
}  # fmt: skip
BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "legend", "li", "main", "ol",
    "optgroup", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "title", "tr", "ul",
}  # fmt: skip
CELLS = {"td", "th"}
HEADINGS = {f"h{level}": level for level in range(1, 7)}
# A page tells its encoding within its first kilobyte (WHATWG HTML, 4.2.5.4).
DECLARED, DECLARED_WITHIN = re.compile(rb"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE), 1024


def sections(content: bytes) -> Iterator[Section]:
    """Raises `Unreadable`."""
    page = etree.fromstring(
        cleaned(_decode(content)).encode(), HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    )
    if page is None:
        raise Unreadable("empty")
    return _read(page)


def _read(page: etree._Element) -> Iterator[Section]:
    found = Sections()
    walk = etree.iterwalk(page, events=("start", "end"))
    for event, element in walk:
        silent = element.tag in SILENT or "hidden" in element.attrib
        if event == "start":
            if silent:
                walk.skip_subtree()
            else:
                _begin(found, element)
        else:
            if not silent:
                _end(found, element)
            found.write(element.tail or "")
    return found.all()


def _begin(found: Sections, element: etree._Element) -> None:
    if element.tag in BLOCKS or element.tag in HEADINGS:
        found.end_line()
    if element.tag == "li":
        found.write("- ")
    elif element.tag in CELLS:
        found.begin_cell()
    found.write(element.text or "")


def _end(found: Sections, element: etree._Element) -> None:
    if element.tag in HEADINGS:
        found.head(HEADINGS[element.tag], found.take_line())
    elif element.tag in BLOCKS:
        found.end_line()


def _decode(content: bytes) -> str:
    declared = DECLARED.search(content, 0, DECLARED_WITHIN)
    if declared and not content.startswith(tuple(MARKS)):
        with suppress(LookupError, UnicodeDecodeError):
            return content.decode(codecs.lookup(declared[1].decode()).name)
    return decode(content)
