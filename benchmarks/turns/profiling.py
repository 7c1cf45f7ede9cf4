"""Where the backend's time goes: py-spy's samples under load, by function."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.turns.load import Chats, press
from benchmarks.turns.measuring import CHATS, CONNECTIONS
from benchmarks.turns.programs import KEY, Programs

SAMPLES_PER_SECOND = 250
SHOWN = 60


def profile(programs: Programs, *, seconds: int, stacks: Path) -> str:
    """The functions that took most time; the sampled stacks, collapsed, go to a file that flame graphs are made of."""
    command = ["py-spy", "record", "--pid", str(programs.backend.pid), "--duration", f"{seconds}"]
    command += ["--rate", str(SAMPLES_PER_SECOND), "--format", "raw", "--output", str(stacks)]
    command[0] = str(Path(sys.executable).with_name(command[0]))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as recorder:
        chats = Chats("profile-", CHATS)
        press(programs.backend_url, key=KEY, connections=CONNECTIONS[-1], seconds=seconds + 1, chats=chats)
        if recorder.wait() != 0:
            raise SystemExit("py-spy could not read the backend: it needs ptrace")
    # Threads that wait in C look busy from outside; the turns are all in the main one.
    return "\n".join(_table([stack for stack in stacks.read_text().splitlines() if not stack.startswith("Thread.")]))


def _table(stacks: list[str]) -> Iterator[str]:
    """Percent of the samples in which a function ran itself, and in which it ran or something that it called."""
    own, total = Counter[str](), Counter[str]()
    for stack in stacks:
        frames, _, count = stack.rpartition(" ")
        names = [frame.rpartition(":")[0].removesuffix(")") + ")" for frame in frames.split(";")]
        own[names[-1]] += int(count)
        total.update(dict.fromkeys(names, int(count)))
    for title, counter in (("itself", own), ("with what it calls", total)):
        yield f"\n% of samples, {title}"
        yield from (f"{100 * count / own.total():6.1f}  {name}" for name, count in counter.most_common(SHOWN))
