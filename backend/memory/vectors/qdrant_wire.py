"""Qdrant's REST interface: bounded waits, bounded retries, and failures in our words."""

import asyncio
from io import BytesIO
from typing import Any

import aiohttp
import orjson

from backend.database import forbid_open_transaction
from backend.memory.vectors.store import VectorStoreUnavailable

# A turn waits for what is read; nobody but a worker waits for what is written. Retries included.
READ_SECONDS, WRITE_SECONDS = 3.0, 30.0
# Whatever is asked of a vector store may be asked again.
ATTEMPTS, PAUSE_SECONDS = 3, 0.2
BUSY = (408, 429)
UNAUTHORIZED = (401, 403)
LONGEST_QUOTE = 200


class Refused(VectorStoreUnavailable):
    """Qdrant understood, and will not: `code` is the status of its answer."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"Qdrant refused ({code}): {why}")
        self.code = code


class Wire:
    """One server. It speaks plain HTTP: see docs/adr/0006-qdrant-by-plain-http.md."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Content-Type": "application/json"} | ({"api-key": key} if key else {})
        self._session: aiohttp.ClientSession | None = None

    async def read(self, method: str, path: str, body: Any = None) -> Any:
        """What Qdrant answers. Raises `VectorStoreUnavailable` or `Refused`."""
        return await self._ask_in_time(method, path, body, READ_SECONDS)

    async def write(self, method: str, path: str, body: Any = None) -> Any:
        """As `read`, but with more patience."""
        return await self._ask_in_time(method, path, body, WRITE_SECONDS)

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    @property
    def _http(self) -> aiohttp.ClientSession:
        """Made at the first call, because it belongs to the loop that runs then."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=None),
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def _ask_in_time(self, method: str, path: str, body: Any, seconds: float) -> Any:
        forbid_open_transaction()
        data = None if body is None else orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(method, path, data)
        except TimeoutError:
            raise VectorStoreUnavailable(f"Qdrant did not answer within {seconds:g} seconds") from None

    async def _ask(self, method: str, path: str, data: bytes | None) -> Any:
        why = ""
        for attempt in range(ATTEMPTS):
            await asyncio.sleep(PAUSE_SECONDS * attempt)
            body = None if data is None else BytesIO(data)  # which aiohttp sends piece by piece
            try:
                async with self._http.request(method, self._url + path, data=body) as response:
                    raw = await response.read()
            except (aiohttp.ClientError, OSError) as error:
                why = f"Qdrant cannot be reached: {type(error).__name__}"
                continue
            if response.status in BUSY or response.status >= 500:
                why = f"Qdrant cannot answer now: {response.status}"
                continue
            return _read(response.status, raw)
        raise VectorStoreUnavailable(why)


def _read(status: int, raw: bytes) -> Any:
    if status in UNAUTHORIZED:
        raise VectorStoreUnavailable(f"Qdrant wants another QDRANT_API_KEY ({status})")
    try:
        reply = orjson.loads(raw)
        if status < 400:
            return reply["result"]
        raise Refused(status, str(reply["status"]["error"])[:LONGEST_QUOTE])
    except (ValueError, TypeError, KeyError):
        raise VectorStoreUnavailable(f"something else than Qdrant answered ({status})") from None
