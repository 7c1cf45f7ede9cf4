"""The text of a Word document, with its headings, lists and tables."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from zipfile import BadZipFile, ZipFile

import docx
from docx.oxml.ns import qn
from lxml import etree

from backend.reader.kinds import OLE
from backend.reader.sections import Section, Sections, Unreadable, cleaned

# A file of ten megabytes could unpack into ten gigabytes.
UNPACKED_BYTES = 100 << 20

PARAGRAPH, TEXT, ROW, CELL, VALUE = qn("w:p"), qn("w:t"), qn("w:tr"), qn("w:tc"), qn("w:val")
SPACES = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
# What was moved away stands where it is now as well; a fallback repeats a text box for old readers.
SILENT = {qn("w:moveFrom"), qn("w:del"), "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
# Word keeps these names in English, whatever it shows (ECMA-376, 17.7.4.9).
HEADING = re.compile(r"heading ([1-9])$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Style:
    """What a paragraph's style makes of it: a heading of a level, counted from 1, or an item of a list."""

    level: int | None = None
    is_item: bool = False


def sections(content: bytes) -> Iterator[Section]:
    """Raises `Unreadable`."""
    if content.startswith(OLE):
        raise Unreadable("encrypted")
    try:
        with ZipFile(BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > UNPACKED_BYTES:
                raise Unreadable("too-long")
    except BadZipFile as error:
        raise Unreadable("unreadable") from error
    document = docx.Document(BytesIO(content))
    return _Reading(_styles(document.styles.element)).read(document.element.body)


class _Reading:
    """A walk over a body's elements; python-docx's own skips content controls and tracked insertions."""

    def __init__(self, styles: Mapping[str, Style]) -> None:
        self._styles = styles
        self._found = Sections()
        self._rows = 0

    def read(self, body: etree._Element) -> Iterator[Section]:
        walk = etree.iterwalk(body, events=("start", "end"))
        for event, element in walk:
            if event == "end":
                self._end(element)
            elif element.tag in SILENT:
                walk.skip_subtree()
            else:
                self._begin(element)
        return self._found.all()

    def _begin(self, element: etree._Element) -> None:
        if element.tag == ROW:
            self._rows += 1
        elif element.tag == CELL:
            self._found.begin_cell()

    def _end(self, element: etree._Element) -> None:
        if element.tag == TEXT:
            self._found.write(cleaned(element.text or ""))
        elif element.tag in SPACES:
            self._found.write(SPACES[element.tag])
        elif element.tag == PARAGRAPH:
            self._end_paragraph(element)
        elif element.tag == ROW:
            self._rows -= 1
            if not self._rows:
                self._found.end_line()

    def _end_paragraph(self, paragraph: etree._Element) -> None:
        """In a table, only rows are lines."""
        of_style = self._styles.get(_value(paragraph, "w:pPr/w:pStyle"), Style())
        if self._rows:
            self._found.write(" ")
        elif level := _outline_level(paragraph) or of_style.level:
            self._found.head(level, self._found.take_line())
        else:
            self._found.end_line("- " if of_style.is_item or _is_item(paragraph) else "")


def _styles(styles: etree._Element) -> dict[str, Style]:
    """By their ids."""
    return {style.get(qn("w:styleId"), ""): _style(style) for style in styles.iterchildren(qn("w:style"))}


def _style(style: etree._Element) -> Style:
    heading = HEADING.match(_value(style, "w:name"))
    return Style(int(heading[1]) if heading else _outline_level(style), _is_item(style))


def _outline_level(element: etree._Element) -> int | None:
    """As an element itself says it: 0 is the widest, 9 is none (ECMA-376, 17.3.1.20)."""
    said = _value(element, "w:pPr/w:outlineLvl")
    return int(said) + 1 if said in tuple("012345678") else None


def _is_item(element: etree._Element) -> bool:
    """0 takes a paragraph out of the list that its style puts it in (ECMA-376, 17.9.18)."""
    return _value(element, "w:pPr/w:numPr/w:numId", "0") != "0"


def _value(element: etree._Element, path: str, default: str = "") -> str:
    found = element.find("/".join(map(qn, path.split("/"))))
    return default if found is None else found.get(VALUE, default)
