"""`llmbot up` as a test sees it: a process in a folder, what it says, and who else runs in that folder."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

UP = Path(__file__).with_name("up_with_stand_ins.py")
# Both are named, so none is embedded: for tests that are about neither.
NO_STORES = {"DATABASE_URL": "postgresql://elsewhere", "REDIS_URL": "redis://elsewhere"}
PATIENCE_SECONDS = 30.0


class Up:
    """Started in `folder`, in a process group of its own, as a shell does; if wanted, by `make` or `nohup`."""

    def __init__(self, folder: Path, port: int, environment: dict[str, str], *, by: str = "") -> None:
        self.folder = folder
        self.output = folder / f"output-{time.monotonic_ns()}"
        command = [sys.executable, str(UP), str(port), json.dumps(environment)]
        if by == "make":
            (folder / "Makefile").write_text(f"run:\n\t@STOP_WITH_PARENT=1 exec {shlex.join(command)}\n")
            command = ["make", "run"]
        elif by:
            command = [by, *command]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def until_said(self, words: str) -> None:
        until(lambda: words in self.said or self.process.poll() is not None)
        assert words in self.said, self.said

    def until_it_runs(self) -> None:
        self.until_said("Ctrl-C stops everything")

    def stopped_by(self, number: signal.Signals) -> int:
        """The exit code after a signal to the whole process group, as a terminal sends it."""
        os.killpg(self.process.pid, number)
        return self.process.wait()

    def children(self) -> dict[str, int]:
        """The processes it started, by the name of the program or of the stand-in."""
        everyone = processes_in(self.folder)
        return {_name(words): pid for pid, words in everyone.items() if _parent(pid) == self.process.pid}

    def kill_child(self, name: str) -> None:
        """Returns when another has taken its place."""
        killed = self.children()[name]
        os.kill(killed, signal.SIGKILL)
        until(lambda: self.children().get(name, killed) != killed)


def processes_in(folder: Path) -> dict[int, list[str]]:
    """The command lines of the others who work in `folder` or below: it is handed down, and a zombie has none."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found[int(process.name)] = (process / "cmdline").read_text().split("\0")
    found.pop(os.getpid(), None)
    return found


def until_nobody_is_in(folder: Path) -> None:
    until(lambda: not processes_in(folder))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def _parent(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _name(words: list[str]) -> str:
    """Of a process that is just being born or dying it is empty."""
    if len(words) > 2 and "stand_in.py" in words[1]:
        return words[2]
    return Path(words[0].partition(" ")[0]).name
