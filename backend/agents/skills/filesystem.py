"""Files of the person's workspace: listed, read, searched, and (when the person says so) written."""

import asyncio
import os
import time
from abc import abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from backend.agents.skills.changes import Change, difference
from backend.agents.skills.cutting import MOST_OUTPUT, cut
from backend.agents.skills.skill import Context, Danger, Failed, Preview, Refused, Result, Skill
from backend.agents.skills.workspace import (
    Entry,
    entries,
    opened,
    parts,
    read_before_writing,
    read_file,
    read_in,
    visible,
    writable,
    write_file,
)
from backend.reader.sections import Unreadable
from backend.reader.text import MARKS, decode

MOST_READ, MOST_WRITTEN = 4 << 20, 256 << 10
MOST_ENTRIES, MOST_FOUND, MOST_SEARCHED = 1_000, 200, 20_000
LONGEST_LINE = 300
SEARCH_SECONDS = 10.0

PATH = "A path within the workspace, such as notes/today.md"


class Listing(BaseModel):
    path: str = Field("", description="A folder of the workspace; empty: the workspace itself")
    depth: int = Field(1, ge=1, le=5, description="How many levels of folders are listed")


class Reading(BaseModel):
    path: str = Field(description=PATH)
    first_line: int = Field(1, ge=1)
    lines: int = Field(1_000, ge=1, le=10_000)


class Search(BaseModel):
    text: str = Field("", max_length=300, description="What the lines contain, in upper or lower case; no pattern")
    name: str = Field("*", max_length=100, description="What the files are called, as in *.py")
    path: str = Field("", description="The folder in which to search; empty: the workspace itself")


class Writing(BaseModel):
    path: str = Field(description=PATH)
    content: str = Field(description="All that the file is to contain")


L = TypeVar("L", Listing, Reading, Search)


class FilesystemLook(Skill[L]):
    """Looks at a path of the workspace, in a thread: a disk may be slow."""

    family = "filesystem"

    async def weigh(self, params: L, context: Context) -> Danger:
        parts(params.path)
        return self.danger

    async def run(self, params: L, context: Context) -> Result:
        return await asyncio.to_thread(self.look, params, context.workspace)

    @abstractmethod
    def look(self, params: L, workspace: Path) -> Result:
        """What is there. Raises `Refused` or `Failed`."""


class FilesystemList(FilesystemLook[Listing]):
    name = "filesystem_list"
    description = "Lists a folder of the workspace: what is in it, how large, and when it was changed."
    parameters = Listing

    def look(self, params: Listing, workspace: Path) -> Result:
        listed = [_line(entry) for entry in islice(tree(workspace, params.path, params.depth), MOST_ENTRIES + 1)]
        if len(listed) > MOST_ENTRIES:
            listed[MOST_ENTRIES:] = [f"… and more: these are the first {MOST_ENTRIES}"]
        return Result("\n".join(listed) or "The folder is empty.", origin="names of files in the workspace")


class FilesystemRead(FilesystemLook[Reading]):
    name = "filesystem_read"
    description = "Reads a text file of the workspace."
    parameters = Reading

    def look(self, params: Reading, workspace: Path) -> Result:
        lines = text_of(read_file(workspace, params.path, MOST_READ)).splitlines(keepends=True)
        last = params.first_line - 1 + params.lines
        text, whole = cut("".join(lines[params.first_line - 1 : last]), MOST_OUTPUT)
        if len(lines) > last and whole:
            text += f"\n… {len(lines) - last} more lines, from line {last + 1} on"
        return Result(text or "There is nothing there.", origin=f"the file {visible(params.path)}")


class FilesystemSearch(FilesystemLook[Search]):
    name = "filesystem_search"
    description = "Finds files of the workspace by what they are called, and lines in them by what they contain."
    parameters = Search

    def look(self, params: Search, workspace: Path) -> Result:
        found = list(islice(matches(workspace, params), MOST_FOUND + 1))
        if len(found) > MOST_FOUND:
            found[MOST_FOUND:] = [f"… and more: these are the first {MOST_FOUND}"]
        return Result("\n".join(found) or "Nothing was found.", origin="files in the workspace")


class FilesystemWrite(Skill[Writing]):
    name = "filesystem_write"
    family = "filesystem"
    description = "Writes a text file of the workspace, as a whole; the person sees what changes, and is asked."
    parameters = Writing
    danger = Danger.CONFIRM

    async def weigh(self, params: Writing, context: Context) -> Danger:
        writable(params.path)
        _encoded(params.content)
        return self.danger

    async def preview(self, params: Writing, context: Context) -> Preview:
        change = await asyncio.to_thread(self._change, params, context.workspace)
        return Preview(change.title(context.language), difference(change))

    async def run(self, params: Writing, context: Context) -> Result:
        content = _encoded(params.content)
        await asyncio.to_thread(write_file, context.workspace, params.path, content)
        return Result(f"{params.path} is written: {len(content)} bytes.")

    def redacted(self, params: Writing) -> dict[str, Any]:
        """What is written is the person's affair."""
        return {"path": params.path, "content": f"{len(params.content)} characters"}

    def _change(self, params: Writing, workspace: Path) -> Change:
        before = read_before_writing(workspace, params.path, MOST_WRITTEN)
        return Change("/".join(writable(params.path)), before, _encoded(params.content))


def text_of(content: bytes) -> str:
    """Raises `Failed` if it is no text."""
    marked = content.startswith(tuple(MARKS))
    try:
        if marked or b"\0" not in content:
            return decode(content)
    except Unreadable:
        pass
    raise Failed(f"it is not text, but {len(content)} bytes of something else")


def tree(workspace: Path, path: str, depth: int) -> Iterator[Entry]:
    """What a folder holds, and what the folders in it hold, as deep as told. Raises `Refused` or `Failed`."""
    names = parts(path)
    with opened(workspace, names) as folder:
        held = list(islice(entries(folder, "/".join(names)), MOST_SEARCHED))
    for entry in held:
        yield entry
        if entry.kind == "folder" and depth > 1:
            try:
                yield from tree(workspace, entry.path, depth - 1)
            except (Refused, Failed):
                continue  # gone meanwhile, or not to be entered


def matches(workspace: Path, params: Search) -> Iterator[str]:
    """The paths, and the lines if a text is wanted."""
    until = time.monotonic() + SEARCH_SECONDS
    for number, entry in enumerate(tree(workspace, params.path, depth=32)):
        if number == MOST_SEARCHED or time.monotonic() > until:
            yield f"… the search ended early: it had looked at {number} files and folders"
            return
        if entry.kind == "file" and fnmatchcase(os.path.basename(entry.path), params.name):
            yield from _lines_with(workspace, entry, params.text) if params.text else [visible(entry.path)]


def _lines_with(workspace: Path, entry: Entry, text: str) -> Iterator[str]:
    *folders, name = entry.path.split("/")
    try:
        with opened(workspace, folders) as folder:
            content = text_of(read_in(folder, name, MOST_READ))
    except (Refused, Failed):
        return  # no text, or not to be read
    wanted = text.casefold()
    for number, line in enumerate(content.splitlines(), 1):
        if wanted in line.casefold():
            yield f"{visible(entry.path)}:{number}: {line.strip()[:LONGEST_LINE]}"


def _line(entry: Entry) -> str:
    changed = datetime.fromtimestamp(entry.modified, UTC).strftime("%Y-%m-%d %H:%M")
    size = f"{entry.size} bytes" if entry.kind == "file" else entry.kind
    return f"{visible(entry.path)}{'/' * (entry.kind == 'folder')}  {size}  {changed} UTC"


def _encoded(content: str) -> bytes:
    try:
        encoded = content.encode()
    except UnicodeEncodeError:
        raise Refused("the content has characters in it that are none (lone surrogates)") from None
    if len(encoded) > MOST_WRITTEN:
        raise Refused(f"the content has {len(encoded)} bytes; a file may be written with {MOST_WRITTEN} at most")
    return encoded
