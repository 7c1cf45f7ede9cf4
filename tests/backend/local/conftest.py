import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest

from tests.backend.local.watching import Up, processes_in
from tests.processes import unused_port


class StartUp(Protocol):
    """Starts `llmbot up`, with stand-ins for the product's programs; always on the same port."""

    def __call__(self, environment: dict[str, str] | None = None, *, by: str = "") -> Up: ...


@pytest.fixture(autouse=True)
def linux() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("who runs in a folder is read from /proc, which only Linux has")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the test works; whoever it starts can be found by that."""
    monkeypatch.chdir(tmp_path)
    return Path.cwd()


@pytest.fixture
def port() -> int:
    return unused_port()


@pytest.fixture
def start_up(folder: Path, port: int) -> Iterator[StartUp]:
    started = []

    def start(environment: dict[str, str] | None = None, *, by: str = "") -> Up:
        started.append(Up(folder, port, environment or {}, by=by))
        return started[-1]

    yield start
    for pid in processes_in(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for up in started:
        up.process.wait()
