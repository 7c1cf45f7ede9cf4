"""The only way out that pages have: a proxy of ours, which connects to nothing but what `Addresses` has checked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

from yarl import URL

from backend.agents.skills.skill import Failed, Refused
from backend.agents.skills.web.addresses import Addresses

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS, HEAD_SECONDS = 15.0, 60.0
LONGEST_HEAD, CHUNK_BYTES = 64 << 10, 64 << 10
# So much may come and go while one page is open.
MOST_BYTES = 64 << 20
# Of one connection only: they are not for the other side.
HOP_BY_HOP = (b"proxy-", b"connection:", b"keep-alive:")

# What the proxy says itself has this header.
REFUSED = "x-refused-by-proxy"

Stream: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class CheckingProxy:
    """For one page. `refused` is what it did not connect to last, and why."""

    def __init__(self, addresses: Addresses) -> None:
        self.refused = ""
        self.port = 0
        self._addresses = addresses
        self._left = MOST_BYTES
        self._talks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["CheckingProxy"]:
        server = await asyncio.start_server(self._serve, LOOPBACK, 0, limit=LONGEST_HEAD)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for talk in self._talks:
                talk.cancel()
            await asyncio.gather(*self._talks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk
        self._talks.add(talk)
        try:
            with suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._talk((reader, writer))
        finally:
            writer.close()
            self._talks.discard(talk)

    async def _talk(self, page: Stream) -> None:
        async with asyncio.timeout(HEAD_SECONDS):
            head = await page[0].readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
        pass_on = self._tunnel if method == "CONNECT" else self._hand_on
        try:
            await pass_on(page, target, head)
        except (Refused, Failed) as why:
            self.refused = str(why)
            body = str(why).encode()
            page[1].write(b"HTTP/1.1 403 Refused\r\nContent-Type: text/plain\r\nConnection: close\r\n")
            page[1].write(b"%s: 1\r\nContent-Length: %d\r\n\r\n%s" % (REFUSED.encode(), len(body), body))
            await page[1].drain()

    async def _tunnel(self, page: Stream, target: str, _: bytes) -> None:
        url = URL(f"https://{target}")
        async with self._connected(url) as site:
            page[1].write(b"HTTP/1.1 200 OK\r\n\r\n")
            await self._both(page, site, self._copy)

    async def _hand_on(self, page: Stream, target: str, head: bytes) -> None:
        """One request for each connection: the next one may be for another host."""
        url = self._addresses.read(target)
        line, rest = head.split(b"\r\n", 1)
        asked = b"%s %s HTTP/1.1\r\n" % (line.split(b" ")[0], url.raw_path_qs.encode())
        async with self._connected(url) as site:
            site[1].write(asked + _closing(rest))
            await self._both(page, site, self._answer)

    @asynccontextmanager
    async def _connected(self, url: URL) -> AsyncIterator[Stream]:
        """To the first of the checked addresses that answers. Raises `Refused` or `Failed`."""
        assert url.raw_host
        assert url.port
        for address in await self._addresses.resolve(url.raw_host, url.port):
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    site = await asyncio.open_connection(address, url.port, limit=LONGEST_HEAD)
                break
        else:
            raise Failed("the host does not answer")
        try:
            yield site
        finally:
            site[1].close()

    async def _both(self, page: Stream, site: Stream, back: Callable[[Stream, Stream], Awaitable[None]]) -> None:
        """Both ways, until the site has said all, or the page wants no more of it."""
        ways = [asyncio.ensure_future(self._copy(page, site)), asyncio.ensure_future(back(site, page))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if not ways[1].done() and not page[0].at_eof():
                await ways[1]
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _answer(self, site: Stream, page: Stream) -> None:
        head = await site[0].readuntil(b"\r\n\r\n")
        line, rest = head.split(b"\r\n", 1)
        page[1].write(line + b"\r\n" + _closing(rest))
        await self._copy(site, page)

    async def _copy(self, one: Stream, other: Stream) -> None:
        while (part := await one[0].read(CHUNK_BYTES)) and self._left > 0:
            self._left -= len(part)
            other[1].write(part)
            await other[1].drain()


def _closing(headers: bytes) -> bytes:
    """The headers, for a connection that ends with this request; they begin after the first line."""
    kept = [line for line in headers.split(b"\r\n") if line and not line.lower().startswith(HOP_BY_HOP)]
    return b"\r\n".join([*kept, b"Connection: close", b"", b""])
