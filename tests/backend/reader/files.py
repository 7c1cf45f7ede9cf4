"""Files as people have them, and as nobody should."""

import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import docx
from docx.oxml.ns import nsdecls

# A character map tells which letters the codes on a page stand for; here the code is the letter, in UTF-16.
TO_UNICODE = b"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
1 beginbfrange <0000> <FFFF> <0000> endbfrange endcmap end end"""


def pdf(pages: Sequence[Sequence[str]], *, titles: Sequence[str] = (), trailer: bytes = b"", lines: int = 0) -> bytes:
    """Text on pages, in any script; the first have these titles in the outline, and all so many `lines` drawn."""
    return b"".join(_written(list(_objects(pages, titles, b"0 0 m 9 9 l S " * lines)), trailer))


def _objects(pages: Sequence[Sequence[str]], titles: Sequence[str], drawing: bytes) -> Iterator[bytes]:
    """Of a page there are two, beginning with number 7; a title comes after them."""
    first_title = 7 + 2 * len(pages)
    kids = " ".join(f"{7 + 2 * number} 0 R" for number in range(len(pages)))
    yield b"<</Type/Catalog/Pages 2 0 R/Outlines 6 0 R>>"
    yield f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>".encode()
    yield b"<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/DescendantFonts[4 0 R]/ToUnicode 5 0 R>>"
    yield b"<</Type/Font/Subtype/CIDFontType2/BaseFont/A/CIDSystemInfo<</Registry(A)/Ordering(I)/Supplement 0>>>>"
    yield stream(TO_UNICODE)
    yield f"<</First {first_title} 0 R/Last {first_title + len(titles) - 1} 0 R>>".encode() if titles else b"<<>>"
    for number, texts in enumerate(pages):
        yield (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {8 + 2 * number} 0 R"
            f"/Resources<</Font<</F 3 0 R>>>>>>"
        ).encode()
        shown = "".join(f"<{line.encode('utf-16-be').hex()}>Tj 0 -14 Td " for line in texts)
        yield stream(drawing + f"BT /F 10 Tf 50 800 Td {shown}ET".encode())
    for number, title in enumerate(titles):
        following = f"/Next {first_title + number + 1} 0 R" if number + 1 < len(titles) else ""
        text = ("\ufeff" + title).encode("utf-16-be").hex()
        yield f"<</Title<{text}>/Parent 6 0 R/Dest[{7 + 2 * number} 0 R/Fit]{following}>>".encode()


def stream(content: bytes) -> bytes:
    packed = zlib.compress(content, 1)
    return b"<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream" % (len(packed), packed)


def _written(objects: Sequence[bytes], trailer: bytes) -> Iterator[bytes]:
    yield (begin := b"%PDF-1.7\n")
    place, places = len(begin), []
    for number, content in enumerate(objects, 1):
        places.append(place)
        yield (written := b"%d 0 obj\n%b\nendobj\n" % (number, content))
        place += len(written)
    entries = b"".join(b"%010d 00000 n \n" % each for each in places)
    yield b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, entries)
    yield b"trailer<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, place)


# A password that is not the empty one: what is encrypted with it does not matter, for nobody gets that far.
ENCRYPTED_PDF = pdf(
    [["secret"]],
    trailer=b"/ID[<00><00>]/Encrypt<</Filter/Standard/V 2/R 3/Length 128/P -4/O<%b>/U<%b>>>" % (b"11" * 32, b"22" * 32),
)


# So many levels that whoever follows them by calling itself falls over.
DEEP = 500_000
CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"


def bomb_pdf(size: int) -> bytes:
    """A page that unpacks to so many bytes."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>"
    objects = [CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, stream(b" " * size)]
    return b"".join(_written(objects, b""))


def looping_pdf() -> bytes:
    return b"".join(_written([CATALOG, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000000>>"], b""))


def word(document: "docx.document.Document") -> bytes:
    saved = BytesIO()
    document.save(saved)
    return saved.getvalue()


def word_with(body: str, *, before: str = "", after: str = "</w:body></w:document>") -> bytes:
    """A Word document with this XML in its body, and something else than the usual before and after it."""
    begin = f'<?xml version="1.0"?>{before}<w:document {nsdecls("w")}><w:body>'
    return repacked(word(docx.Document()), {"word/document.xml": f"{begin}{body}{after}".encode()})


def repacked(archive: bytes, parts: dict[str, bytes]) -> bytes:
    """The archive with some of its parts replaced."""
    packed = BytesIO()
    with ZipFile(BytesIO(archive)) as old, ZipFile(packed, "w", ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, parts.get(part) or old.read(part))
    return packed.getvalue()
