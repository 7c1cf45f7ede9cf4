"""What confines programs on this machine: found out by trying."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from backend.agents.skills.sandbox.rooms import Bounds, Room, bubblewrapped, found, landlocked
from backend.agents.skills.skill import Failed
from backend.agents.skills.workspace import workspace_of
from backend.findings import Finding
from backend.settings import Settings

TRIAL_SECONDS = 10.0


class Kind(StrEnum):
    """From the strongest: own namespaces; a process that can open nothing else; nothing, so that nothing is run."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


COMMANDS: Mapping[Kind, Callable[[Room, Bounds, Sequence[str]], list[str]]] = {
    Kind.BUBBLEWRAP: bubblewrapped,
    Kind.LANDLOCK: landlocked,
}
SAID = {
    Kind.BUBBLEWRAP: "bubblewrap: programs see the workspace and no network",
    Kind.LANDLOCK: "Landlock: programs open files of the workspace alone; install bubblewrap to hide the network, too",
    Kind.NONE: "none: agents are not offered shell and git; it needs Linux, and bubblewrap or a kernel with Landlock",
}
NO_ROOT = "none for root without bubblewrap: agents are not offered shell and git"


@cache
def kind_here() -> Kind:
    """The strongest that works."""
    return next((kind for kind in COMMANDS if works(kind)), Kind.NONE)


def works(kind: Kind) -> bool:
    """Whether a program really sees what is inside, cannot see what is outside, and cannot change what is inside."""
    with TemporaryDirectory() as folder:
        workspace, outside = workspace_of(Path(folder), UUID(int=0)), Path(folder, "file")
        (workspace / "file").write_text("inside")
        outside.write_text("outside")
        for path in (folder, outside):
            os.chmod(path, 0o755)
        seen = _said(kind, workspace, "cat", "file", str(outside))
        _said(kind, workspace, "mkdir", "made")
        return seen == b"inside" and not (workspace / "made").exists()


def _said(kind: Kind, workspace: Path, *command: str) -> bytes | None:
    try:
        argv = COMMANDS[kind](Room(workspace), Bounds(), [found(command[0]), *command[1:]])
        trial = subprocess.run(argv, capture_output=True, cwd=workspace, env={}, timeout=TRIAL_SECONDS, check=False)
    except (Failed, OSError, subprocess.TimeoutExpired):
        return None
    return trial.stdout


def examine(settings: Settings) -> list[Finding]:
    """Whether agents can use files, programs and git here; only what was set up and does not work is not well."""
    return [_workspaces(settings), _sandbox(), _git()]


def _workspaces(settings: Settings) -> Finding:
    """It is made when it is first needed."""
    folder = settings.workspaces
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return Finding("workspaces", True, f"agents' files are in {folder}")
    if "workspaces" not in settings.model_fields_set:  # as in a container that has none
        return Finding("workspaces", True, f"agents' files are not here: {there} cannot be written")
    return Finding("workspaces", False, f"{there} cannot be written", "set WORKSPACES to a folder that can")


def _sandbox() -> Finding:
    kind = kind_here()
    no_root = kind is Kind.NONE and os.geteuid() == 0 and sys.platform == "linux"
    return Finding("sandbox", True, NO_ROOT if no_root else SAID[kind])


def _git() -> Finding:
    try:
        return Finding("git", True, found("git"))
    except Failed:
        return Finding("git", True, "not installed: agents are not offered it")
