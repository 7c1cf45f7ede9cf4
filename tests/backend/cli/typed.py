"""`llmbot` as somebody types it."""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from backend.cli import main
from backend.settings import Settings

# Importing takes a second and more, so one process does it for all: every command is a child of it, and ends by itself.
IMPORTED = multiprocessing.get_context("forkserver")
IMPORTED.set_forkserver_preload([__name__])


@dataclass(frozen=True, slots=True)
class Typed:
    status: int
    said: str


async def llmbot(settings: Settings, *words: str, piped: str = "", **changed: str) -> Typed:
    """What it says, and its exit status."""
    environment = os.environ | {"DATABASE_URL": settings.database_url.get_secret_value()} | changed
    with TemporaryDirectory() as folder:
        given, said = Path(folder) / "given", Path(folder) / "said"
        given.write_text(piped)
        process = IMPORTED.Process(target=_perform, args=[words, environment, Path.cwd(), given, said])
        process.start()
        await asyncio.to_thread(process.join)
        assert process.exitcode is not None
        return Typed(process.exitcode, said.read_text())


def _perform(words: tuple[str, ...], environment: Mapping[str, str], home: Path, given: Path, said: Path) -> None:
    os.chdir(home)
    os.environ.clear()
    os.environ.update(environment)
    for path, flags, numbers in ((given, os.O_RDONLY, [0]), (said, os.O_WRONLY | os.O_CREAT, [1, 2])):
        for number in numbers:
            os.dup2(os.open(path, flags | os.O_APPEND), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - until the process ends
    sys.argv = ["llmbot", *words]
    main()
