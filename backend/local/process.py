"""One program and all that it starts: begun, watched, and ended as a whole."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

# A program's standard input is its leash: a pipe whose other end only its supervisor holds. The guard, a shell
# in the program's own process group, reads from it. When the supervisor dies, however it dies, the pipe ends
# and the guard kills the group: with what the program started, which PR_SET_PDEATHSIG would not reach.
GUARD = """trap "" HUP INT QUIT TERM; read _; kill -KILL 0"""
LEASHED = f"""
exec 3<&0 </dev/null
( /bin/sh -c '{GUARD}' "$0" <&3 & )
exec 3<&- "$@"
"""

READY_SECONDS = 60.0
START_ATTEMPTS = 3
LOG_BYTES = 10_000_000


class CannotStart(Exception):
    """Why it does not start, as sentences for the person at the terminal."""


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, how to see that it is ready, and how it is asked to end."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = always
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 6.0


class Child:
    """A program as a process of ours. Its output goes to a log file; the terminal's Ctrl-C does not reach it."""

    def __init__(self, program: Program, logs: Path) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ProcessLookupError(f"{self.program.name} was never started")
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs, or before it was ever started."""
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns when the program is ready. Raises `CannotStart`."""
        for _ in range(START_ATTEMPTS):
            self.spawn()
            if self._became_ready():
                return
            # Right after a kill Postgres refuses to start until the last connection of its former self is gone.
            time.sleep(0.5)
        self.kill()
        raise CannotStart(f"{self.program.name} did not start. {self.last_lines()}")

    def spawn(self) -> None:
        """Returns at once; what an earlier process of this program left behind is gone then."""
        self.kill()
        self._turn_log()
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", LEASHED, f"guard of {self.program.name}", *self.program.argv],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.program.environment},
                start_new_session=True,
                close_fds=False,  # they are to hold the lock of the folder; Python marks nothing else inheritable
            )

    @property
    def ready(self) -> bool:
        return self.running and self.program.ready()

    def ask_to_stop(self) -> None:
        if self._process:
            self._process.send_signal(self.program.stop_signal)

    def wait(self, seconds: float) -> None:
        """Returns when it has ended, or when the time is up."""
        if self._process:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def kill(self) -> None:
        """Ends the program and its whole group with SIGKILL, now."""
        if self._process is None or self._process.stdin is None or self._process.stdin.closed:
            return
        with suppress(ProcessLookupError):
            # The guard is in the group, so the number cannot have gone to somebody else meanwhile.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdin.close()

    def last_lines(self, count: int = 8) -> str:
        """The end of what it has written since it was last started, and where the rest is."""
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, size - 4_000))
            lines = log.read().decode(errors="replace").rstrip().splitlines()[-count:]
        return "\n    ".join([f"See {self.log}, which ends:", *lines])

    def _became_ready(self) -> bool:
        deadline = time.monotonic() + READY_SECONDS
        while self.running and time.monotonic() < deadline:
            if self.program.ready():
                return True
            time.sleep(0.02)
        return False

    def _turn_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))


def stop_together(children: Sequence[Child]) -> None:
    """Asks all of them, gives each the time that its program says, and then kills what is left."""
    for child in children:
        child.ask_to_stop()
    asked = time.monotonic()
    for child in children:
        child.wait(asked + child.program.stop_seconds - time.monotonic())
        child.kill()
