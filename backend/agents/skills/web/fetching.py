"""Asks one address for what is there: as a stranger, within limits, and only where `Addresses` lets it."""

import asyncio
import socket
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from backend.agents.skills.skill import Failed, Refused
from backend.agents.skills.web.addresses import Addresses

MOST_BYTES = 2 << 20
MOST_REDIRECTS = 5
SECONDS = 20.0
CHUNK_BYTES = 64 << 10
HEADERS = {
    "User-Agent": "Mozilla/5.0 (compatible; llm-bot-core)",
    "Accept": "text/html,application/xhtml+xml,application/pdf,text/*;q=0.9,application/json;q=0.9,*/*;q=0.5",
    "Accept-Encoding": "gzip",
}
# zlib's own numbers for: a gzip wrapper.
GZIP = 31


@dataclass(frozen=True, slots=True)
class Page:
    """What came from an address, after its redirects; nothing of it is to be believed."""

    url: URL
    media_type: str
    charset: str
    content: bytes


class Pinned(AbstractResolver):
    """Gives a connection the addresses that were checked; nobody resolves the name again."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._addresses.resolve(host, port)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """It holds nothing."""


async def fetch(addresses: Addresses, url: URL, seconds: float = SECONDS) -> Page:
    """What is at an address. Raises `Refused` or `Failed`."""
    connector = aiohttp.TCPConnector(resolver=Pinned(addresses), use_dns_cache=False, force_close=True)
    session = aiohttp.ClientSession(
        connector=connector,
        headers=HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None),
    )
    try:
        async with asyncio.timeout(seconds), session:
            return await _follow(session, addresses, url)
    except TimeoutError as error:
        raise Failed(f"the page did not come within {seconds:.0f} seconds") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise Failed(f"the page did not come: {type(error).__name__}") from error


async def _follow(session: aiohttp.ClientSession, addresses: Addresses, url: URL) -> Page:
    for _ in range(MOST_REDIRECTS + 1):
        async with session.get(url, allow_redirects=False) as response:
            if response.status not in (301, 302, 303, 307, 308):
                return await _read(url, response)
            url = addresses.read(_location(url, response))
    raise Failed(f"the page leads on more than {MOST_REDIRECTS} times")


def _location(url: URL, response: aiohttp.ClientResponse) -> str:
    location = response.headers.get("Location", "")
    if not location:
        raise Failed("the page leads on, but does not say where")
    try:
        return str(url.join(URL(location)))
    except ValueError as error:
        raise Refused("the page leads on to what is no address") from error


async def _read(url: URL, response: aiohttp.ClientResponse) -> Page:
    if response.status != 200:
        raise Failed(f"the server answered {response.status}")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise Failed("the page is packed in a way that was not asked for")
    chunks = response.content.iter_chunked(CHUNK_BYTES)
    content = await whole(chunks if encoding == "identity" else _unpacked(chunks))
    return Page(url, response.content_type, response.charset or "", content)


async def whole(chunks: AsyncIterator[bytes]) -> bytes:
    """All of them together. Raises `Failed` if that is too much."""
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > MOST_BYTES:
            raise Failed(f"the page is larger than {MOST_BYTES >> 20} MB")
    return bytes(content)


async def _unpacked(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Never more at once than is allowed altogether, however little it was packed into."""
    unpacking: Any = zlib.decompressobj(GZIP)
    async for chunk in chunks:
        try:
            yield unpacking.decompress(chunk, MOST_BYTES + 1)
        except zlib.error as error:
            raise Failed("the page cannot be unpacked") from error
    if not unpacking.eof:
        raise Failed("the page cannot be unpacked")
