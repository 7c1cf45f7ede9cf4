import asyncio
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryFile

from backend.agents.skills.sandbox.kinds import COMMANDS, Kind, kind_here
from backend.agents.skills.sandbox.rooms import Bounds, Room, found
from backend.agents.skills.skill import Failed, Uncertain
from backend.subprocesses import begun

MOST_ERRORS = 8 << 10
# Until bubblewrap has tied what it starts to its own life, its end would leave that behind, holding our pipes.
TIED_SECONDS, LET_GO_SECONDS = 0.5, 10.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and the first of what it wrote; `cut` if there was more."""

    code: int
    output: bytes
    errors: bytes
    cut: bool


class Sandbox:
    """Runs programs so that they reach nothing but their room, and end in time with all that they started."""

    def __init__(self, kind: Kind | None = None, bounds: Bounds | None = None) -> None:
        self._kind = kind
        self.bounds = bounds or Bounds()

    @property
    def kind(self) -> Kind:
        """The best that there is here, which is tried once per process."""
        return self._kind or kind_here()

    def unavailable(self, *programs: str) -> str:
        """Why these cannot be run here; empty if they can."""
        if self.kind is Kind.NONE:
            return "programs cannot be confined here: see `llmbot doctor`"
        try:
            for program in programs:
                found(program)
        except Failed as missing:
            return str(missing)
        return ""

    def inside(self, room: Room) -> tuple[str, str]:
        """What the workspace and the scratch folder are called in the room."""
        if self.kind is Kind.BUBBLEWRAP:
            return "/workspace", "/scratch"
        return str(room.workspace), str(room.scratch)

    async def run(self, room: Room, command: Sequence[str], *, stdin: bytes = b"") -> Ended:
        """Run a program of the system's by its name. Raises `Failed` if it is not there, or takes too long.

        What was stopped while it could change something is `Uncertain`.
        """
        argv = COMMANDS[self.kind](room, self.bounds, [found(command[0]), *command[1:]])
        home = self.inside(room)[0]
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": home, **room.environment}
        with TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            process = await begun(asyncio.create_subprocess_exec(
                *argv, stdin=given, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                cwd=room.workspace, env=environment, start_new_session=True,
            ))  # fmt: skip
        return await _watched(process, self.bounds, changes=room.changes)


async def _watched(process: asyncio.subprocess.Process, bounds: Bounds, *, changes: bool) -> Ended:
    """Its output as far as it is kept; whatever happens, it has ended then, and what it started has, too."""
    assert process.stdout
    assert process.stderr
    stops = None if changes else process
    over, began = False, time.monotonic()
    try:
        async with asyncio.timeout(bounds.seconds):
            (output, cut), (errors, _) = await asyncio.gather(
                _first_of(process.stdout, bounds.output, stops), _first_of(process.stderr, MOST_ERRORS, stops)
            )
            code = await process.wait()
            over = True
            return Ended(code, output, errors, cut)
    except TimeoutError:
        ended = Uncertain if changes else Failed
        raise ended(f"it took longer than {bounds.seconds:g} seconds, and was stopped") from None
    finally:
        if not over:
            try:
                await asyncio.sleep(max(0.0, TIED_SECONDS - (time.monotonic() - began)))
            finally:
                _kill(process)
        with suppress(TimeoutError):
            async with asyncio.timeout(LET_GO_SECONDS):
                await process.wait()


async def _first_of(
    stream: asyncio.StreamReader, most: int, stops: asyncio.subprocess.Process | None
) -> tuple[bytes, bool]:
    """So many bytes, and whether there are more: those are not kept, and a process that changes nothing is ended."""
    kept, cut = bytearray(), False
    while piece := await stream.read(most):
        cut = cut or len(kept) + len(piece) > most
        kept += piece[: most - len(kept)]
        if cut and stops:
            _kill(stops)
            stops = None
    return bytes(kept), cut


def _kill(process: asyncio.subprocess.Process) -> None:
    """With its whole group, of which it was the first: somebody of it has its pipe, so it is still that group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
