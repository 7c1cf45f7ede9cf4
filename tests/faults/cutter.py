"""Stands between a backend and Postgres, and cuts a connection right after a commit: before its news arrives."""

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"


class Cutter:
    """Forwards everything. Once it has seen `words` go to Postgres, that connection hears nothing more."""

    def __init__(self, database_url: str) -> None:
        self.words = b""
        self._database = urlsplit(database_url)
        self._deaf: list[asyncio.StreamWriter] = []
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
        here = f":{self._server.sockets[0].getsockname()[1]}/"
        return self._database.geturl().replace(f":{self._database.port}/", here)

    def cut(self) -> None:
        """What could not be heard is over: the connection is gone."""
        for client in self._deaf:
            client.transport.abort()

    async def _connect(self, asked: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        said, postgres = await asyncio.open_connection(LOOPBACK, self._database.port)
        await asyncio.gather(self._ask(asked, client, postgres), self._reply(said, client))

    async def _ask(
        self, asked: asyncio.StreamReader, client: asyncio.StreamWriter, postgres: asyncio.StreamWriter
    ) -> None:
        while data := await _read(asked):
            if self.words and self.words in data:
                self.words = b""
                self._deaf.append(client)
            postgres.write(data)
        postgres.close()

    async def _reply(self, said: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while data := await _read(said):
            if client not in self._deaf:
                client.write(data)
        client.close()


async def _read(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.read(65536)
    except ConnectionError:
        return b""
