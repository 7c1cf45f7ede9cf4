"""A child is begun, watched and ended, with everything it started."""

import os
import signal
from pathlib import Path

import pytest

from backend.local import CannotStart, Child, Program
from backend.local.process import stop_together
from tests.backend.local.watching import processes_in, until, until_nobody_is_in

STUBBORN = "trap '' TERM; sleep 1000 & echo begun; wait; sleep 1000"


def shell(folder: Path, script: str) -> Child:
    return Child(Program("example", ("/bin/sh", "-c", script), stop_seconds=0.2), folder)


def started(folder: Path, script: str) -> Child:
    child = shell(folder, script)
    child.spawn()
    until(lambda: "begun" in child.last_lines())
    return child


def test_a_kill_reaches_what_the_child_started(folder: Path) -> None:
    child = started(folder, STUBBORN)
    child.kill()
    assert child.returncode == -signal.SIGKILL
    until_nobody_is_in(folder)


def test_a_kill_does_not_need_the_guard(folder: Path) -> None:
    child = started(folder, STUBBORN)
    [guard] = [pid for pid, words in processes_in(folder).items() if "guard of example" in words]
    os.kill(guard, signal.SIGKILL)
    child.kill()
    until_nobody_is_in(folder)


def test_whoever_does_not_stop_is_killed(folder: Path) -> None:
    stop_together([started(folder, STUBBORN)])
    until_nobody_is_in(folder)


def test_who_outlives_the_child_is_killed_too(folder: Path) -> None:
    stop_together([started(folder, "(trap '' TERM; sleep 1000) & echo begun; wait")])
    until_nobody_is_in(folder)


def test_a_child_can_be_started_again(folder: Path) -> None:
    child = started(folder, STUBBORN)
    first = child.pid
    child.spawn()
    assert child.running
    assert child.pid != first
    child.kill()
    until_nobody_is_in(folder)


def test_the_last_words_of_a_child_that_does_not_start_are_shown(folder: Path) -> None:
    child = Child(Program("example", ("/bin/sh", "-c", "echo no space; exit 3"), ready=lambda: False), folder)
    with pytest.raises(CannotStart, match="no space"):
        child.start()
    assert child.returncode == 3


def test_only_the_words_of_the_last_start_are_shown(folder: Path) -> None:
    started(folder, "echo earlier; echo begun").kill()
    again = started(folder, "echo begun")
    again.kill()
    assert "earlier" not in again.last_lines()


def test_a_missing_program_is_said(folder: Path) -> None:
    child = Child(Program("example", ("/no/such/program",), ready=lambda: False), folder)
    with pytest.raises(CannotStart, match="/no/such/program"):
        child.start()
