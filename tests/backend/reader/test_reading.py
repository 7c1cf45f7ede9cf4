"""What is read of real files."""

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from backend.reader import Kind, Section, Unreadable, read
from tests.backend.reader.files import ENCRYPTED_PDF, pdf, word

RUSSIAN = "Привет! Срок поставки — до 15 мая."
PAGE = """<!doctype html><html><head><title>Shop</title><style>p {color: red}</style><script>var hidden;</script></head>
<body><nav>Menu</nav><h1>Prices</h1><p>Nails <b>cost</b>
120 roubles.<br>Screws cost more.</p><!-- note --><ul><li>one<li>two</ul>
<table><tr><th>Item<th>Price<tr><td>Nails<td>120</table><h2>Ёлки</h2>Нет в продаже.<p hidden>hidden</p>
<select><option>hidden</select></body></html>"""


async def text(content: bytes, kind: Kind) -> str:
    return "\n".join(section.text for section in await read(content, kind))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1251", "koi8-r", "cp866"])
@pytest.mark.parametrize("said", ["Привет", RUSSIAN.replace("—", "-"), "Ёжик в тумане", "Name;Сумма\nИванов;100"])
async def test_russian_is_read_in_every_encoding(encoding: str, said: str) -> None:
    assert await text(said.encode(encoding), Kind.TEXT) == said


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", "Zażółć gęślą jaźń"),
        ("cp1252", "Die Straße war größer als über die Brücke, und der Café-Besitzer wußte es."),
        ("cp1253", "Ελληνικά γράμματα εδώ και άλλα γράμματα εκεί"),
        ("cp932", "これは日本語の文章です。今日は天気がいいですね。"),
    ],
)
async def test_other_languages_are_read_as_well(encoding: str, said: str) -> None:
    assert await text(said.encode(encoding), Kind.TEXT) == said


async def test_markdown_stays_as_it_is_under_its_headings() -> None:
    written = (
        "---\ntitle: Manual\n---\n# Manual\n\n- *one*\n\n```sh\n# no heading\n```\n\n## Repair ##\n### Empty\n## Last\n"
    )
    assert await read(written.encode(), Kind.MARKDOWN) == [
        Section((), "---\ntitle: Manual\n---"),
        Section(("Manual",), "- *one*\n\n```sh\n# no heading\n```"),
        Section(("Manual", "Repair", "Empty"), "Empty"),
        Section(("Manual", "Last"), "Last"),
    ]


async def test_invisible_characters_do_not_come_along() -> None:
    said = "\ufeffdo\u00adgo\u200bvor\x00\x07\r\nnext\u2028line\x85end \ud800".encode("utf-8", "surrogatepass")
    assert await text(said.replace(b"\xed\xa0\x80", b""), Kind.TEXT) == "dogovor\nnext\nline\nend "


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "utf-16"])
async def test_of_a_page_remains_what_people_read(encoding: str) -> None:
    page = PAGE.replace("<head>", f"<head><meta charset={encoding}>" if encoding == "cp1251" else "<head>")
    assert await read(page.encode(encoding), Kind.HTML) == [
        Section((), "Shop"),
        Section(
            ("Prices",),
            "Nails cost 120 roubles.\nScrews cost more.\n- one\n- two\nItem | Price\nNails | 120",
        ),
        Section(("Prices", "Ёлки"), "Нет в продаже."),
    ]


async def test_a_pdf_is_read_line_by_line_under_the_titles_of_its_outline() -> None:
    file = pdf([["Договор поставки", "Срок поставки товара по"], ["договору — до 15 мая.", "Цена"]], titles=["Договор"])
    assert await read(file, Kind.PDF) == [
        Section(("Договор",), "Договор поставки\nСрок поставки товара по договору — до 15 мая.\nЦена")
    ]


async def test_each_page_stands_under_its_title() -> None:
    sections = await read(pdf([["One."], ["Two."], ["Still two."]], titles=["First", "Second"]), Kind.PDF)
    assert sections == [Section(("First",), "One."), Section(("Second",), "Two.\nStill two.")]


async def test_a_word_document_keeps_its_headings_lists_and_tables() -> None:
    document = docx.Document()
    document.add_heading("Отчёт", 1)
    document.add_paragraph("Расходы ").add_run("выросли.").bold = True
    document.add_paragraph("молоко", style="List Bullet")
    document.add_heading("Цены", 2)
    table = document.add_table(rows=2, cols=2)
    for cell, words in zip(table._cells, ["Товар", "Цена", "Гвозди", "120 руб."], strict=True):
        cell.text = words
    document.add_heading("Итог", 1)
    assert await read(word(document), Kind.DOCX) == [
        Section(("Отчёт",), "Расходы выросли.\n- молоко"),
        Section(("Отчёт", "Цены"), "Товар | Цена\nГвозди | 120 руб."),
        Section(("Итог",), "Итог"),
    ]


async def test_of_tracked_changes_and_forms_the_newest_text_is_read() -> None:
    document = docx.Document()
    for xml in (
        "<w:p {}><w:ins><w:r><w:t>inserted</w:t></w:r></w:ins></w:p>",
        "<w:p {}><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del></w:p>",
        "<w:sdt {}><w:sdtContent><w:p><w:r><w:t>a</w:t><w:tab/><w:t>form</w:t></w:r></w:p></w:sdtContent></w:sdt>",
        "<w:p {}><w:moveFrom><w:r><w:t>moved away</w:t></w:r></w:moveFrom></w:p>",
    ):
        document.element.body.insert(-1, parse_xml(xml.format(nsdecls("w"))))
    assert await text(word(document), Kind.DOCX) == "inserted\na form"


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (pdf([[]]), Kind.PDF, "empty"),
        (word(docx.Document()), Kind.DOCX, "empty"),
        (b"<html><script>only</script></html>", Kind.HTML, "empty"),
        ("\u200b\ufeff \n".encode(), Kind.TEXT, "empty"),
        (ENCRYPTED_PDF, Kind.PDF, "encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), Kind.DOCX, "encrypted"),
        (pdf([["cut off"]])[:200], Kind.PDF, "unreadable"),
        (word(docx.Document())[:2000], Kind.DOCX, "unreadable"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_cannot_be_read_says_why(content: bytes, kind: Kind, reason: str) -> None:
    with pytest.raises(Unreadable) as problem:
        await read(content, kind)
    assert problem.value.reason == reason
