"""Starts programs stage by stage, starts again what dies, and stops everything in reverse order."""

import os
import queue
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn, Self

from backend.local.process import (
    READY_SECONDS,
    START_ATTEMPTS,
    CannotStart,
    Child,
    Program,
    stop_together,
)

STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
LOOK_SECONDS = 0.2
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# Whoever has run for this long is well again: the next death counts as the first.
STEADY_SECONDS = 60.0


class StopAsked(Exception):
    """Somebody wants everything to end: by Ctrl-C, by SIGTERM, or by closing the terminal."""


def say(line: str) -> None:
    """To the person at the terminal, who may have closed it meanwhile."""
    with suppress(OSError):
        os.write(sys.stdout.fileno(), f"{line}\n".encode())


class Supervisor:
    """Inside its block the signals that stop a program are heeded; at the block's end everything is stopped."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._stages: list[list[Watch]] = []
        # Of the ways to hear of a signal, the one that may be used inside a handler.
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        # A killed `make run` must not leave us behind, unseen; the shell of `llmbot up &` may end before us.
        self._parent = os.getppid() if os.environ.get("STOP_WITH_PARENT") else None

    def __enter__(self) -> Self:
        # `nohup` has asked that a closed terminal be no reason to stop.
        ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else set()
        self._handlers = {number: signal.signal(number, self._heed) for number in STOP_SIGNALS - ignored}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        say("Stopping …")
        for stage in reversed(self._stages):
            stop_together([watch.child for watch in stage])
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def start(self, *programs: Program) -> None:
        """Starts them at once, and returns when all are ready. Raises `CannotStart`, `StopAsked`."""
        stage = [Watch(Child(program, self._logs)) for program in programs]
        self._stages.append(stage)
        deadline = time.monotonic() + READY_SECONDS
        self._look()
        while waiting := [watch for watch in stage if not watch.child.ready]:
            for watch in waiting:
                if watch.deaths >= START_ATTEMPTS:
                    raise CannotStart(f"{watch.child.program.name} keeps failing; see above.")
            if time.monotonic() > deadline:
                late = waiting[0].child
                raise CannotStart(f"{late.program.name} is not ready after a minute. {late.last_lines()}")
            self._pause(0.05)
            self._look()

    def complete(self, program: Program) -> None:
        """Runs a program to its end. Raises `CannotStart` if it fails, `StopAsked`."""
        child = Child(program, self._logs)
        child.spawn()
        try:
            while child.running:
                self._pause(0.05)
        finally:
            child.kill()
        if child.returncode != 0:
            raise CannotStart(f"{program.name} failed. {child.last_lines()}")

    def keep(self) -> NoReturn:
        """Keeps everything running. Raises `StopAsked` in the end."""
        while True:
            self._look()
            self._pause(LOOK_SECONDS)

    def _look(self) -> None:
        for stage in self._stages:
            for watch in stage:
                watch.look()

    def _pause(self, seconds: float) -> None:
        if self._parent is not None and os.getppid() != self._parent:
            raise StopAsked
        with suppress(queue.Empty):
            self._signals.get(timeout=seconds)
            raise StopAsked

    def _heed(self, number: int, frame: FrameType | None) -> None:
        self._signals.put(number)


class Watch:
    """A child that should run: it is started again, after pauses that grow while it keeps dying."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.deaths = 0
        self._started = 0.0
        self._due: float | None = 0.0  # when it is to be started; None while it runs

    def look(self) -> None:
        if self._due is None and not self.child.running:
            self.child.kill()  # what it left behind
            self._died(_how_it_ended(self.child))
        if self._due is not None and time.monotonic() >= self._due:
            self._start()

    def _start(self) -> None:
        self._started, self._due = time.monotonic(), None
        try:
            self.child.spawn()
        except OSError as error:
            self._died(f"cannot be started: {error.strerror}")

    def _died(self, how: str) -> None:
        now = time.monotonic()
        self.deaths = 1 if now - self._started > STEADY_SECONDS else self.deaths + 1
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (self.deaths - 1), LONGEST_PAUSE_SECONDS)
        self._due = now + pause
        say(f"{self.child.program.name} {how}\nIt is started again in {pause:g} s.")


def _how_it_ended(child: Child) -> str:
    code = child.returncode or 0
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}."
    return f"ended with exit code {code}. {child.last_lines()}"
