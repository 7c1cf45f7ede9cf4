"""Content decides what a file is; a name may not say otherwise."""

import docx
import pytest

from backend.reader import Kind, kind_of
from tests.backend.reader.files import pdf, word

PDF, WORD, PAGE, TEXT = pdf([["Hello"]]), word(docx.Document()), b"\n<!DOCTYPE html><p>Hello", b"Hello"
OTHERS = {
    "picture": b"\x89PNG\r\n\x1a\n\x00\x00", "archive": b"PK\x03\x04readme.txt", "program": b"\x7fELF\x02\x01\x01\x00",
    "old Word": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "rich text": rb"{\rtf1\ansi hello}", "PostScript": b"%!PS-3.0",
    "letters and zeros": b"Hello\x00World",
}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (PDF, "a.pdf", Kind.PDF), (PDF, "a.PDF", Kind.PDF), (PDF, "a", Kind.PDF), (b"\n\n" + PDF, "a.pdf", Kind.PDF),
        (WORD, "a.docx", Kind.DOCX), (WORD, "", Kind.DOCX), (PAGE, "a.htm", Kind.HTML), (PAGE, "a.php", Kind.HTML),
        (PAGE, "a.txt", Kind.HTML), (PAGE, "a.md", Kind.HTML), (TEXT, "a.html", Kind.HTML),
        (TEXT, "a.md", Kind.MARKDOWN),
        (TEXT, "a.txt", Kind.TEXT), (TEXT, "a.csv", Kind.TEXT), ("Привет".encode("utf-16"), "a.txt", Kind.TEXT),
    ],
)  # fmt: skip
def test_a_file_is_what_is_in_it(content: bytes, name: str, kind: Kind) -> None:
    assert kind_of(content, name) is kind


@pytest.mark.parametrize(
    ("content", "name"),
    [(TEXT, "a.pdf"), (TEXT, "a.docx"), (PDF, "a.docx"), (PDF, "a.txt"), (WORD, "a.pdf"), (PAGE, "a.pdf")],
)
def test_what_is_not_what_its_name_says_is_refused(content: bytes, name: str) -> None:
    assert kind_of(content, name) is None


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("name", ["a", "a.txt", "a.pdf", "a.docx"])
def test_what_no_one_can_read_is_refused(content: bytes, name: str) -> None:
    assert kind_of(content, name) is None
