"""Stands between workers and Postgres, and kills the process whose n-th transaction passes, before or after it."""

import asyncio
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
COMMIT = b"COMMIT;"


class Killer:
    """Forwards everything, and counts commits. What a run's worker records is a transaction; nothing else of its is.

    `after`: Postgres has committed, but the process does not hear of it. Stopped instead of killed, it does so later.
    """

    def __init__(self, database_url: str) -> None:
        self.commits = 0
        self.hit = asyncio.Event()
        self.pid = 0
        self._database = urlsplit(database_url)
        self._nth = 0
        self._after = False
        self._signal = signal.SIGKILL
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, LOOPBACK, 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return self._database.geturl().replace(f":{self._database.port}/", f":{self._port}/")

    @property
    def _port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def arm(self, nth: int, *, after: bool, signal: signal.Signals = signal.SIGKILL) -> None:
        """The n-th commit from now on is the last that its process makes; 0: none is."""
        self.commits, self._nth, self._after, self._signal = 0, nth, after, signal
        self.hit.clear()

    def let_go(self) -> None:
        """A process that was stopped goes on; by now it may have been killed."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    async def _connect(self, asked: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        said, postgres = await asyncio.open_connection(LOOPBACK, self._database.port)
        committed = asyncio.Event()
        await asyncio.gather(self._ask(asked, client, postgres, committed), self._reply(said, client, committed))

    async def _ask(
        self,
        asked: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        postgres: asyncio.StreamWriter,
        committed: asyncio.Event,
    ) -> None:
        while data := await _read(asked):
            if COMMIT in data and self._is_nth():
                if not self._after:
                    self._strike(client)
                    break
                committed.set()
            postgres.write(data)
        postgres.close()

    async def _reply(self, said: asyncio.StreamReader, client: asyncio.StreamWriter, committed: asyncio.Event) -> None:
        while data := await _read(said):
            if committed.is_set():
                committed.clear()
                self._strike(client)
            client.write(data)
        client.close()

    def _is_nth(self) -> bool:
        self.commits += 1
        return self.commits == self._nth

    def _strike(self, client: asyncio.StreamWriter) -> None:
        self.pid = process_of(client.get_extra_info("peername")[1], self._port)
        os.kill(self.pid, self._signal)
        self.hit.set()


def process_of(port: int, peer: int) -> int:
    """The process that has a connection from a local port to another."""
    ends = f"0100007F:{port:04X} 0100007F:{peer:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()
    inode = next(line.split()[9] for line in lines if ends in line)
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if os.readlink(link) == f"socket:[{inode}]":
                return int(re.split("/", str(link))[2])
    raise LookupError(f"nobody has port {port}")


async def _read(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.read(65536)
    except ConnectionError:
        return b""
