"""What kind of file it is, by what is in it; its name may only agree."""

from enum import StrEnum
from pathlib import PurePath


class Kind(StrEnum):
    """The media types that can be read."""

    TEXT = "text/plain"
    MARKDOWN = "text/markdown"
    HTML = "text/html"
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


ENDINGS = {
    ".txt": Kind.TEXT,
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".html": Kind.HTML,
    ".htm": Kind.HTML,
    ".xhtml": Kind.HTML,
    ".pdf": Kind.PDF,
    ".docx": Kind.DOCX,
}
# Every text is a plain text as well: which one it is meant to be, only its name tells.
TEXTS = (Kind.TEXT, Kind.MARKDOWN, Kind.HTML)

ZIP = b"PK\x03\x04"
# Before Word's own format there was this one; now it wraps a document that is encrypted (MS-OFFCRYPTO, 1.3.1).
OLE, ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "EncryptedPackage".encode("utf-16-le")
WIDE_TEXT = (b"\xff\xfe", b"\xfe\xff")
# Without a zero among their bytes these might pass for texts.
NO_TEXTS = (ZIP, OLE, rb"{\rtf", b"%!PS")
# Acrobat looks for the header as far as this, so some files begin with something else (ISO 32000-1, note 13).
PDF_HEADER_WITHIN = 1024


def kind_of(content: bytes, name: str) -> Kind | None:
    """None if it cannot be read, or is not what its name says."""
    found, said = _found(content), ENDINGS.get(PurePath(name).suffix.lower())
    if found is Kind.TEXT and said in TEXTS:
        return said
    return found if said in (found, None) or (found is Kind.HTML and said in TEXTS) else None


def _found(content: bytes) -> Kind | None:
    if b"%PDF-" in content[:PDF_HEADER_WITHIN]:
        return Kind.PDF
    if (content.startswith(ZIP) and b"word/" in content) or (content.startswith(OLE) and ENCRYPTED in content):
        return Kind.DOCX
    if content.startswith(NO_TEXTS) or (b"\x00" in content and not content.startswith(WIDE_TEXT)):
        return None
    beginning = content[:PDF_HEADER_WITHIN].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return Kind.HTML if beginning.startswith((b"<!doctype html", b"<html")) else Kind.TEXT
