"""Files that were made to hurt: whatever they do, they do it to a process that ends."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.reader import Kind, Unreadable, read
from tests.backend.reader.files import DEEP, bomb_pdf, looping_pdf, pdf, word_with
from tests.conftest import ROOT
from tests.processes import until

MEGABYTE = 1 << 20
LAUGHS = "".join(f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 10}">' for level in range(9))
LAUGHTER = f'<!DOCTYPE a [<!ENTITY a "ha">{LAUGHS}]>'
SECRET = '<!DOCTYPE a [<!ENTITY j SYSTEM "file:///etc/passwd">]>'
SAYS_J = "<w:p><w:r><w:t>said: &j;</w:t></w:r></w:p>"
MADE_TO_HURT: dict[str, tuple[Callable[[], bytes], Kind, str]] = {
    "a zip bomb": (lambda: word_with("<w:p/>" + " " * (101 * MEGABYTE)), Kind.DOCX, "too-long"),
    "a million laughs": (lambda: word_with(SAYS_J, before=LAUGHTER), Kind.DOCX, "unreadable"),
    "endless XML": (lambda: word_with("<w:p>" * DEEP, after=""), Kind.DOCX, "unreadable"),
    "deep XML": (lambda: word_with("<w:p>" * DEEP + "</w:p>" * DEEP), Kind.DOCX, "unreadable"),
    "a deep page": (lambda: b"<html>" + b"<div>" * DEEP, Kind.HTML, "empty"),
    "a PDF bomb": (lambda: bomb_pdf(600 * MEGABYTE), Kind.PDF, "unreadable"),
    "pages that are their own parents": (looping_pdf, Kind.PDF, "unreadable"),
    "a deep PDF": (lambda: b"%PDF-1.7\n1 0 obj\n" + b"[" * DEEP, Kind.PDF, "unreadable"),
    "more text than memory takes": (lambda: b"word " * 2_000_000, Kind.TEXT, "too-long"),
    "more headings than memory takes": (lambda: b"# a\nb\n" * 20_000, Kind.MARKDOWN, "too-long"),
    "noise": (lambda: bytes(range(1, 256)) * 1_000, Kind.TEXT, "unreadable"),
}


@pytest.mark.parametrize(("made", "kind", "reason"), MADE_TO_HURT.values(), ids=MADE_TO_HURT)
async def test_a_hostile_file_is_refused(made: Callable[[], bytes], kind: Kind, reason: str) -> None:
    with pytest.raises(Unreadable) as problem:
        await read(made(), kind)
    assert problem.value.reason == reason


async def test_a_document_reads_no_files_of_ours() -> None:
    [section] = await read(word_with(SAYS_J, before=SECRET), Kind.DOCX)
    assert section.text == "said:"


async def test_one_word_without_an_end_is_a_text_as_well() -> None:
    [section] = await read(b"x" * 3_000_000, Kind.TEXT)
    assert len(section.text) == 3_000_000


async def test_thirty_thousand_pages_are_read() -> None:
    [section] = await read(pdf([[f"Page {number}."] for number in range(30_000)]), Kind.PDF)
    assert section.text.count("\n") == 29_999


def limited(code: str, **limits: int) -> subprocess.CompletedProcess[str]:
    """What becomes of a process with these limits that runs this code."""
    changed = "".join(f"limits.{name} = {value}\n" for name, value in limits.items())
    program = f"from backend.reader import limits\n{changed}{code}"
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_process_that_reads_for_too_long_ends() -> None:
    ended = limited("limits.impose()\nwhile True: pass", READ_SECONDS=1)
    assert ended.returncode == -signal.SIGALRM


def test_a_process_that_reads_has_so_much_memory_and_no_more() -> None:
    ended = limited(f"limits.impose()\nprint(len(bytearray({100 * MEGABYTE})))\nbytearray({600 * MEGABYTE})")
    assert (ended.stdout, ended.returncode) == (f"{100 * MEGABYTE}\n", 1)
    assert ended.stderr.endswith("MemoryError\n")


async def test_a_process_that_reads_sees_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    def look() -> list[str]:
        children = Path(f"/proc/self/task/{thread}/children").read_text().split()
        programs = [Path(f"/proc/{child}") for child in children]
        reading = [program for program in programs if b"backend.reader" in (program / "cmdline").read_bytes()]
        return [(program / "environ").read_text() for program in reading]

    thread = threading.get_native_id()
    monkeypatch.setenv("API_KEYS", "secret")
    many_pages = pdf([["Page"]] * 5_000)
    reading = asyncio.ensure_future(read(many_pages, Kind.PDF))
    [seen] = await until(lambda: asyncio.to_thread(look), pause=0.01)
    await reading
    assert "PATH=" in seen
    assert "secret" not in seen
