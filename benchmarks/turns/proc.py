"""What processes have used of the machine, as Linux counts it."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Less than this share of a core is idling.
IDLE_SHARE, LOOK_SECONDS = 0.08, 0.5


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process and of all its descendants, including those that have ended."""
    stats = dict(_stats())
    family, ticks = {pid}, 0
    for child in sorted(stats):  # children have higher numbers, unless these have wrapped around
        parent, own, of_ended = stats[child]
        if child in family or parent in family:
            family.add(child)
            ticks += own + of_ended
    return ticks / TICKS_PER_SECOND


def peak_megabytes(pid: int) -> float:
    """The most resident memory that the process itself has had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def wait_until_idle(pid: int, *, patience: float) -> None:
    """Returns when the process and its descendants have hardly anything to do, or when patience, in seconds, ends."""
    deadline, before = time.monotonic() + patience, cpu_seconds(pid)
    while time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        now = cpu_seconds(pid)
        if now - before < IDLE_SHARE * LOOK_SECONDS:
            return
        before = now


def _stats() -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Of every process: its parent, and its ticks and those of its children that have ended (proc_pid_stat(5))."""
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (directory / "stat").read_text().rpartition(")")[2].split()
            user, system, user_of_ended, system_of_ended = map(int, fields[11:15])
            yield int(directory.name), (int(fields[1]), user + system, user_of_ended + system_of_ended)
