"""Even a program that nobody would run here is kept: it sees nothing, reaches nothing, and ends in time."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from backend.agents.skills.sandbox import Bounds, Ended, Kind, Room, Sandbox
from backend.agents.skills.sandbox.kinds import examine, works
from backend.agents.skills.skill import Failed, Uncertain
from backend.settings import Settings
from tests.backend.agents.skills.hands import own
from tests.processes import PATIENCE_SECONDS

SMALL = Bounds(seconds=60, cpu_seconds=5, memory=64 << 20, file=1 << 20, processes=24, output=1_000)


@pytest.fixture
def small(sandbox: Sandbox) -> Sandbox:
    """On a machine that others use, too."""
    return Sandbox(sandbox.kind, SMALL)


@pytest.fixture
def hasty(sandbox: Sandbox) -> Sandbox:
    return Sandbox(sandbox.kind, replace(SMALL, seconds=1))


@pytest.fixture
def room(workspace: Path) -> Room:
    (workspace / "file").write_text("inside")
    own(workspace)
    return Room(workspace)


async def script(sandbox: Sandbox, room: Room, text: str, *arguments: str) -> Ended:
    return await sandbox.run(room, ["sh", "-c", text, "sh", *arguments])


async def test_what_is_outside_cannot_be_read(small: Sandbox, room: Room) -> None:
    outside = room.workspace.parent / "secret"
    outside.write_text("outside")
    outside.chmod(0o644)
    ended = await script(
        small, room, 'cat file; cat "$1"; cat /etc/passwd; cat /proc/1/environ; ls /home', str(outside)
    )
    assert ended.output == b"inside"
    assert ended.code


async def test_nothing_outside_can_be_changed(small: Sandbox, room: Room) -> None:
    outside = room.workspace.parent / "secret"
    outside.write_text("outside")
    outside.chmod(0o666)
    await script(
        small, Room(room.workspace, changes=True), 'echo owned > "$1"; rm -f "$1"; rm -rf /usr/bin/true', str(outside)
    )
    assert outside.read_text() == "outside"
    assert (await small.run(room, ["true"])).code == 0


async def test_the_workspace_is_changed_only_by_what_may(small: Sandbox, room: Room) -> None:
    await script(small, room, "touch new; rm -f file; mkdir made")
    assert os.listdir(room.workspace) == ["file"]
    await script(small, Room(room.workspace, changes=True), "touch new; rm file")
    assert os.listdir(room.workspace) == ["new"]


async def test_nobody_listens_to_it(small: Sandbox, room: Room) -> None:
    """bash opens connections by itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if small.kind is Kind.LANDLOCK:
            pytest.skip("kernels before 6.7 keep no one from connecting")
        ended = await small.run(room, ["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected"])
    assert ended.output == b""
    assert b"connect" in ended.errors.lower()


async def test_it_is_told_nothing_of_ours(small: Sandbox, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "the secret of the house")
    ended = await small.run(room, ["env"])
    names = {line.split(b"=")[0] for line in ended.output.splitlines()}
    assert names - {b"PWD", b"SHLVL", b"_"} == {b"PATH", b"LC_ALL", b"TZ", b"HOME"}


async def test_a_sleeper_is_woken_for_good(hasty: Sandbox, room: Room) -> None:
    mark = uuid4().hex
    with pytest.raises(Failed, match="it took longer than 1 seconds, and was stopped"):
        await script(hasty, room, "trap '' TERM INT HUP; sleep 600 & sleep 600 & wait; echo", mark)
    await eventually(lambda: not processes(mark))


async def test_what_a_sleeper_has_changed_by_then_is_uncertain(hasty: Sandbox, room: Room) -> None:
    with pytest.raises(Uncertain, match="and was stopped"):
        await script(hasty, Room(room.workspace, changes=True), "rm file; sleep 600")
    assert os.listdir(room.workspace) == []


async def test_a_fork_bomb_goes_out(hasty: Sandbox, room: Room) -> None:
    mark = uuid4().hex
    with suppress(Failed):
        await script(hasty, room, 'b() { b "$1" | b "$1" & }; b "$1"; sleep 600', mark)
    await eventually(lambda: not processes(mark))


async def test_one_who_waits_no_longer_leaves_nothing_behind(small: Sandbox, room: Room) -> None:
    mark = uuid4().hex
    task = asyncio.ensure_future(script(small, room, "sleep 600; echo", mark))
    await eventually(lambda: bool(processes(mark)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: not processes(mark))


async def test_one_who_waits_no_longer_while_it_begins_leaves_nothing_behind(small: Sandbox, room: Room) -> None:
    mark = uuid4().hex
    tasks = []
    for steps in (1, 2, 3, 4, 5, 6) * 2:
        tasks.append(task := asyncio.ensure_future(script(small, room, "sleep 600; echo", mark)))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
    async with asyncio.timeout(PATIENCE_SECONDS):
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(end) for end in ended} == {asyncio.CancelledError}
    await eventually(lambda: not processes(mark))


async def test_memory_is_limited(small: Sandbox, room: Room) -> None:
    eaten = await script(small, room, 'x=0123456789; while :; do x="$x$x$x$x"; done')
    assert eaten.code


async def test_a_file_cannot_grow_for_ever(small: Sandbox, room: Room) -> None:
    await script(
        small, Room(room.workspace, changes=True), "head -c 5000000 /usr/bin/bash > big; cat big big big big > bigger"
    )
    assert all(path.stat().st_size <= SMALL.file for path in room.workspace.iterdir())


async def test_output_without_an_end_is_cut_and_ends_it(small: Sandbox, room: Room) -> None:
    ended = await small.run(room, ["yes"])
    assert len(ended.output) == 1_000
    assert ended.cut


async def test_who_changes_something_is_heard_to_the_end(small: Sandbox, room: Room) -> None:
    changing = Room(room.workspace, changes=True)
    ended = await script(small, changing, "yes | head -n 100000; touch done")
    assert len(ended.output) == 1_000
    assert ended.cut
    assert (room.workspace / "done").exists()


async def test_what_is_not_installed_is_told(small: Sandbox, room: Room) -> None:
    with pytest.raises(Failed, match="no-such-program is not installed here"):
        await small.run(room, ["no-such-program"])
    assert small.unavailable("sh", "no-such-program") == "no-such-program is not installed here"


async def test_what_works_is_found_out_by_trying(sandbox: Sandbox) -> None:
    assert works(sandbox.kind)


def test_doctor_tells_where_files_are_and_what_confines_programs(tmp_path: Path) -> None:
    workspaces, sandbox, git = examine(Settings(workspaces=tmp_path / "new" / "folder"))
    assert workspaces.line() == f"ok    workspaces             agents' files are in {tmp_path / 'new' / 'folder'}"
    assert sandbox.ok
    assert Kind.NONE in sandbox.detail or sandbox.detail.lower().startswith(Sandbox().kind)
    assert git.part == "git"


def test_doctor_tells_of_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    [workspaces, *_] = examine(Settings(workspaces=tmp_path / "file" / "folder"))
    assert not workspaces.ok
    assert workspaces.advice == "set WORKSPACES to a folder that can"


def processes(mark: str) -> list[str]:
    """Those on this machine that were told the mark, as long as they are alive."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            told, state = (process / "cmdline").read_bytes(), (process / "stat").read_text()
        except OSError:
            continue  # no process, or gone meanwhile
        if mark.encode() in told and state.rpartition(")")[2].split()[0] != "Z":
            found.append(process.name)
    return found


async def eventually(is_so: Callable[[], bool]) -> None:
    """What was killed is gone when the kernel has come to it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - other processes set no event here
            await asyncio.sleep(0.01)
