"""`llmbot` as somebody types it."""

import asyncio
import os
import sys
from dataclasses import dataclass

from backend.settings import Settings


@dataclass(frozen=True, slots=True)
class Typed:
    status: int
    said: str


async def llmbot(settings: Settings, *words: str, piped: str = "", **changed: str) -> Typed:
    """What it says, and its exit status."""
    environment = os.environ | {"DATABASE_URL": settings.database_url.get_secret_value()} | changed
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backend.cli", *words, env=environment,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate(piped.encode())
    assert process.returncode is not None
    return Typed(process.returncode, said.decode())
