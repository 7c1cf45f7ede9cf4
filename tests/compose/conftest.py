"""Compose projects on a real engine. It takes minutes, so only `-m compose` runs these tests."""

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from tests.compose.stack import CommandFailed, Stack, run

ROOT = Path(__file__).parents[2]
figures = pytest.StashKey[list[str]]()

MakeStack = Callable[[str], Stack]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "compose: brings Compose projects up on a real engine")
    config.stash[figures] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "compose" not in str(config.getoption("markexpr")):
        mine = [item for item in items if item.get_closest_marker("compose")]
        items[:] = [item for item in items if item not in mine]
        config.hook.pytest_deselected(items=mine)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash[figures]:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def engine() -> None:
    try:
        run("docker", "version")
        run("docker", "compose", "version")
    except (OSError, CommandFailed) as error:
        pytest.skip(f"no container engine with Compose answers here (tests/compose/engine.sh starts one): {error}")


@pytest.fixture(scope="session")
def copy_tree(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Copies what is in the repository, and nothing else of a developer's folder: no `.env` of his own."""

    def copy() -> Path:
        folder = tmp_path_factory.mktemp("tree")
        for name in run("git", "ls-files", "--cached", "--others", "--exclude-standard", folder=ROOT).splitlines():
            if (ROOT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        return folder

    return copy


@pytest.fixture(scope="module")
def make_stack(copy_tree: Callable[[], Path], request: pytest.FixtureRequest) -> Iterator[MakeStack]:
    """Brings a Compose file up as the README says, and removes all that it made at the end."""
    with ExitStack() as cleanup:

        def make(file: str) -> Stack:
            stack = Stack(copy_tree(), file, f"llmbot-test-{uuid4().hex[:8]}", _free_port())
            run("make", "env", folder=stack.folder)
            cleanup.callback(stack.remove)
            begun = time.monotonic()
            stack.up()
            request.config.stash[figures].append(f"{file}: healthy after {time.monotonic() - begun:.0f} s")
            request.config.stash[figures] += [_size(image) for image in stack.images]
            return stack

        yield make


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _size(image: str) -> str:
    base = (ROOT / "Dockerfile").read_text().partition("FROM ")[2].split()[0]
    whole, below = (int(run("docker", "image", "inspect", "--format", "{{.Size}}", one)) for one in (image, base))
    return f"{image}: {whole / 1e6:.0f} MB, {(whole - below) / 1e6:.0f} MB of it above {base}"
