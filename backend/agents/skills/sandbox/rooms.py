"""What a program that is run sees, what it may use at most, and the commands that make it so."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json import dumps
from pathlib import Path
from pwd import getpwnam

from backend.agents.skills.skill import Failed

PROGRAMS = ("/usr/bin", "/bin")
# Where the system keeps programs and what they need; links into /usr on most systems.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
# To enter the folder of another, and to become that one.
NEEDED_BY_ROOT = ("DAC_READ_SEARCH", "SETUID", "SETGID", "SETPCAP")
CONFINED = Path(__file__).with_name("confined.py")


class NotInstalled(Failed):
    """The program is not there."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Per process, but for `seconds`, `output` (bytes that are kept of it) and `processes`; sizes in bytes."""

    seconds: float = 20.0
    cpu_seconds: int = 10
    memory: int = 512 << 20
    file: int = 64 << 20
    files: int = 128
    processes: int = 64
    output: int = 64 << 10


@dataclass(frozen=True, slots=True)
class Room:
    """A `workspace` that may be changed only if told so, and a `scratch` folder that always may."""

    workspace: Path
    changes: bool = False
    scratch: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def found(program: str) -> str:
    """Where it is. Raises `NotInstalled`."""
    for folder in PROGRAMS:
        if os.access(f"{folder}/{program}", os.X_OK):
            return f"{folder}/{program}"
    raise NotInstalled(f"{program} is not installed here")


def bubblewrapped(room: Room, bounds: Bounds, command: Sequence[str]) -> list[str]:
    """A command that runs it in namespaces of its own, where there is nothing but the room."""
    argv = [found("bwrap"), "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    argv += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    inner = [found("prlimit"), *_limits(bounds), "--", *command]
    if os.geteuid() == 0:
        argv += [part for name in NEEDED_BY_ROOT for part in ("--cap-add", f"CAP_{name}")]
        inner = [*_no_more_root(room.workspace), *inner]
    else:
        argv += ["--unshare-user"]
    for path in SYSTEM:
        if os.path.islink(path):
            argv += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            argv += ["--ro-bind", path, path]
    argv += ["--dev", "/dev", "--bind" if room.changes else "--ro-bind", str(room.workspace), "/workspace"]
    if room.scratch:
        argv += ["--bind", str(room.scratch), "/scratch"]
    return [*argv, "--remount-ro", "/", "--remount-ro", "/dev", "--chdir", "/workspace", "--", *inner]


def landlocked(room: Room, bounds: Bounds, command: Sequence[str]) -> list[str]:
    """A command that runs it where the kernel lets it open nothing but the room."""
    told = {
        "runs": [path for path in SYSTEM if os.path.isdir(path)],
        "reads": [str(room.workspace)],
        "writes": [str(path) for path in (room.scratch, room.workspace if room.changes else None) if path],
        "limits": {
            "CPU": bounds.cpu_seconds,
            "AS": bounds.memory,
            "FSIZE": bounds.file,
            "NOFILE": bounds.files,
            # Here it counts all that its user runs anywhere.
            "NPROC": 16 * bounds.processes,
            "CORE": 0,
        },
    }
    return [sys.executable, "-I", "-S", str(CONFINED), dumps(told), *command]


def _limits(bounds: Bounds) -> list[str]:
    return [
        f"--cpu={bounds.cpu_seconds}",
        f"--as={bounds.memory}",
        f"--fsize={bounds.file}",
        f"--nofile={bounds.files}",
        f"--nproc={bounds.processes}",
        "--core=0",
    ]


def _no_more_root(workspace: Path) -> list[str]:
    """A command that goes on as whom the workspace belongs to: root's processes are not counted, so not limited."""
    owner = workspace.stat().st_uid or getpwnam("nobody").pw_uid
    argv = [found("setpriv"), "--reuid", str(owner), "--regid", str(owner), "--clear-groups"]
    return [*argv, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
