"""The process that reads: started for one file, without our secrets, and given up when it takes too much."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from backend.reader.kinds import Kind
from backend.reader.limits import READ_SECONDS
from backend.reader.sections import Section, Unreadable
from backend.subprocesses import begun

# It ends itself in time; this is for one that cannot.
PATIENCE_SECONDS = READ_SECONDS + 5
ROOT = Path(__file__).parent.parent.parent
# Its alarm, and what the kernel does to whoever uses up the memory.
TOOK_TOO_MUCH = (-signal.SIGALRM, -signal.SIGKILL)


async def read(content: bytes, kind: Kind) -> list[Section]:
    """The file's sections. Raises `Unreadable`."""
    with TemporaryFile() as given, TemporaryFile() as told:
        given.write(content)
        given.seek(0)
        process = await begun(asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "backend.reader", kind,
            stdin=given, stdout=told, stderr=asyncio.subprocess.DEVNULL,
            cwd="/", env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)},
        ))  # fmt: skip
        await _end(process)
        if process.returncode:
            raise Unreadable("too-long" if process.returncode in TOOK_TOO_MUCH else "unreadable")
        told.seek(0)
        return _sections(json.load(told))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Returns when it has ended, one way or the other."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _sections(told: Any) -> list[Section]:
    if "problem" in told:
        raise Unreadable(told["problem"])
    return [Section(tuple(headings), text) for headings, text in told["sections"]]
