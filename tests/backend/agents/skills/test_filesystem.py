"""Files of a workspace: listed, read, searched and written, and shown before they are written."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL
from pathlib import Path
from threading import Event, Thread
from uuid import UUID

import pytest

from backend.agents.skills.filesystem import FilesystemList, FilesystemRead, FilesystemSearch, FilesystemWrite
from backend.agents.skills.skill import Danger, Failed, Refused
from backend.agents.skills.workspace import workspace_of
from tests.backend.agents.skills.hands import Hands

# linux/fcntl.h, linux/fs.h
AT_FDCWD, EXCHANGE = -100, 2
PLAN = "Купить хлеб и молоко, а после обеда позвонить в мастерскую."


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    skills = FilesystemList(), FilesystemRead(), FilesystemSearch(), FilesystemWrite()
    workspace = workspace_of(tmp_path / "workspaces", UUID(int=1))
    (workspace / "notes").mkdir()
    (workspace / "notes" / "today.md").write_text("Milk\nBread\nTea\n")
    (workspace / "план.txt").write_bytes(PLAN.encode("cp1251"))
    return Hands(workspace, *skills)


async def test_a_workspace_is_closed_to_others(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "workspaces", UUID(int=1))
    assert workspace.stat().st_mode & 0o777 == 0o700
    assert workspace_of(tmp_path / "workspaces", UUID(int=1)) == workspace


async def test_a_folder_is_listed(hands: Hands) -> None:
    listed = await hands.says("filesystem_list")
    assert listed.startswith("notes/  folder  20")
    assert "план.txt  59 bytes" in listed
    assert "today.md" not in listed
    assert "notes/today.md  15 bytes" in await hands.says("filesystem_list", depth=2)
    assert "notes/today.md  15 bytes" in await hands.says("filesystem_list", path="notes")


async def test_names_of_files_cannot_pretend_to_be_lines(hands: Hands) -> None:
    (hands.workspace / "a\nb  1 bytes\u202e").touch()
    assert "a\\u000ab  1 bytes\\u202e  0 bytes" in await hands.says("filesystem_list")


async def test_a_folder_with_much_in_it_is_listed_in_part(hands: Hands) -> None:
    for number in range(1_001):
        (hands.workspace / "notes" / f"{number}").touch()
    assert (await hands.says("filesystem_list", path="notes")).endswith("\n… and more: these are the first 1000")


async def test_a_file_is_read(hands: Hands) -> None:
    result = await hands.result("filesystem_read", path="notes/today.md")
    assert result.text == "Milk\nBread\nTea\n"
    assert result.origin == "the file notes/today.md"


async def test_a_file_is_read_in_part(hands: Hands) -> None:
    text = await hands.says("filesystem_read", path="notes/today.md", first_line=2, lines=1)
    assert text == "Bread\n\n… 1 more lines, from line 3 on"


async def test_a_file_in_an_older_encoding_is_read(hands: Hands) -> None:
    assert await hands.says("filesystem_read", path="план.txt") == PLAN


async def test_a_long_file_is_cut(hands: Hands) -> None:
    (hands.workspace / "long.txt").write_text("x" * 100_000)
    text = await hands.says("filesystem_read", path="long.txt")
    assert len(text) < 66_000
    assert text.endswith("… cut here: this is the first 64 KiB")


async def test_what_is_no_text_is_not_read(hands: Hands) -> None:
    (hands.workspace / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    with pytest.raises(Failed, match="it is not text, but 11 bytes"):
        await hands.says("filesystem_read", path="picture.png")


async def test_what_is_not_there_is_not_read(hands: Hands) -> None:
    with pytest.raises(Failed, match=r"No such file or directory: absent\.md"):
        await hands.says("filesystem_read", path="notes/absent.md")


async def test_lines_are_found_by_what_they_contain(hands: Hands) -> None:
    assert await hands.says("filesystem_search", text="BREAD") == "notes/today.md:2: Bread"
    assert await hands.says("filesystem_search", text="ХЛЕБ", name="*.txt") == f"план.txt:1: {PLAN}"
    assert await hands.says("filesystem_search", text="bread", name="*.txt") == "Nothing was found."


async def test_files_are_found_by_what_they_are_called(hands: Hands) -> None:
    assert await hands.says("filesystem_search", name="*.md") == "notes/today.md"


async def test_a_search_that_finds_much_tells_the_first(hands: Hands) -> None:
    (hands.workspace / "many.txt").write_text("x\n" * 300)
    found = await hands.says("filesystem_search", text="x")
    assert found.endswith("many.txt:200: x\n… and more: these are the first 200")


async def test_writing_shows_what_changes_and_asks(hands: Hands) -> None:
    content = "Milk\nButter\nTea\n"
    assert await hands.weigh("filesystem_write", path="notes/today.md", content=content) is Danger.CONFIRM
    preview = await hands.preview("filesystem_write", path="notes/today.md", content=content)
    assert preview.title == "Change the file notes/today.md"
    assert preview.detail.startswith(
        "--- a/notes/today.md\n+++ b/notes/today.md\n@@ -1,3 +1,3 @@\n Milk\n-Bread\n+Butter\n Tea"
    )
    assert (hands.workspace / "notes" / "today.md").read_text() == "Milk\nBread\nTea\n"
    text = await hands.says("filesystem_write", path="notes/today.md", content=content)
    assert text == "notes/today.md is written: 16 bytes."
    assert (hands.workspace / "notes" / "today.md").read_text() == content


async def test_a_new_file_is_shown_as_one(hands: Hands) -> None:
    hands = Hands(hands.workspace, FilesystemWrite(), language="ru")
    preview = await hands.preview("filesystem_write", path="drafts/a.md", content="Hello")
    assert preview.title == "Создать файл drafts/a.md"
    assert preview.detail == "--- /dev/null\n+++ b/drafts/a.md\n@@ -0,0 +1,2 @@\n+Hello\n+(no newline at the end)"
    assert not (hands.workspace / "drafts").exists()
    await hands.says("filesystem_write", path="drafts/a.md", content="Hello")
    assert (hands.workspace / "drafts" / "a.md").read_text() == "Hello"


async def test_what_is_shown_is_another_thing_when_the_file_has_changed(hands: Hands) -> None:
    (hands.workspace / "data").write_bytes(b"\xff\x00 one")
    first = await hands.preview("filesystem_write", path="data", content="new")
    assert first == await hands.preview("filesystem_write", path="data", content="new")
    (hands.workspace / "data").write_bytes(b"\xff\x00 two")
    assert first != await hands.preview("filesystem_write", path="data", content="new")


async def test_what_cannot_be_seen_is_shown_before_it_is_written(hands: Hands) -> None:
    preview = await hands.preview("filesystem_write", path="a.py", content="admin = user\u202e\r\n")
    assert "+admin = user\\u202e\\u000d" in preview.detail


async def test_a_file_of_many_lines_is_shown_at_once(hands: Hands) -> None:
    (hands.workspace / "many.txt").write_text("".join(f"{number % 99}\n" for number in range(60_000)))
    content = "".join(f"{number % 98}\n" for number in range(60_000))
    preview = await hands.preview("filesystem_write", path="many.txt", content=content)
    assert preview.detail.count("\n-") == preview.detail.count("\n+") - 1 == 60_000


async def test_a_file_keeps_its_mode_and_is_never_half_written(hands: Hands) -> None:
    file = hands.workspace / "run.sh"
    file.write_text("old")
    file.chmod(0o750)
    with file.open() as reader:
        await hands.says("filesystem_write", path="run.sh", content="new")
        assert reader.read() == "old"
    assert file.stat().st_mode & 0o777 == 0o750
    assert sorted(os.listdir(hands.workspace)) == ["notes", "run.sh", "план.txt"]


async def test_arguments_that_are_kept_do_not_show_what_was_written(hands: Hands) -> None:
    skill = FilesystemWrite()
    params = skill.read({"path": "a.md", "content": "secret"})
    assert skill.redacted(params) == {"path": "a.md", "content": "6 characters"}


@contextmanager
def swapping(workspace: Path, outside: Path) -> Iterator[None]:
    """The folder `notes` is a link to somewhere else every other moment."""
    renameat2 = CDLL(None).renameat2
    (workspace / "link").symlink_to(outside)
    over = Event()

    def swap() -> None:
        while not over.is_set():
            renameat2(AT_FDCWD, bytes(workspace / "notes"), AT_FDCWD, bytes(workspace / "link"), EXCHANGE)

    swapper = Thread(target=swap)
    swapper.start()
    try:
        yield
    finally:
        over.set()
        swapper.join()


async def test_what_changes_between_a_look_and_its_use_leads_nowhere(hands: Hands, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "today.md").write_text("secret")
    came: Counter[str] = Counter()
    with swapping(hands.workspace, outside):
        for number in range(400):
            try:
                came[await hands.says("filesystem_read", path="notes/today.md")] += 1
                await hands.says("filesystem_write", path=f"notes/{number % 5}", content="mine")
            except (Refused, Failed) as refused:
                came[type(refused).__name__] += 1
    assert came["Milk\nBread\nTea\n"]
    assert came["Refused"]
    assert came.keys() <= {"Milk\nBread\nTea\n", "Refused", "Failed", "NotThere"}
    assert os.listdir(outside) == ["today.md"]


async def test_a_file_that_looks_like_another_is_not_made(hands: Hands) -> None:
    (hands.workspace / "report.md").touch()
    with pytest.raises(Refused, match=r"there is report\.md already, and rероrt\.md looks the same"):
        await hands.says("filesystem_write", path="rероrt.md", content="")  # with Cyrillic letters
