"""Directus' REST API, as an administrator sees it."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

# Directus makes its own tables first, and takes up to a minute for it on a slow machine.
START_SECONDS, LOOK_SECONDS = 180.0, 0.5
BUSY, BUSY_SECONDS = 503, 60.0
# Node closes a connection that nothing was asked on for 5 seconds.
KEPT_SECONDS = 2.0
Item = dict[str, Any]


class Refused(Exception):
    """Directus refused a request; `status` is that of its answer."""

    def __init__(self, method: str, path: str, status: int, told: str) -> None:
        super().__init__(f"{method} {path}: {status} {told[:500]}")
        self.status = status


class NotThere(Exception):
    """Directus does not answer."""


class Client:
    """An async context manager. What is returned is the `data` of an answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        connector = aiohttp.TCPConnector(keepalive_timeout=KEPT_SECONDS)
        self._http = aiohttp.ClientSession(url, connector=connector, timeout=aiohttp.ClientTimeout(total=60))

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def until_up(self) -> None:
        """Raises `NotThere`."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._answers():  # noqa: ASYNC110 - no event of ours tells when another process is up
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise NotThere(f"Directus does not answer at {self._url}.") from None

    async def _answers(self) -> bool:
        try:
            async with self._http.get("/server/ping") as answer:
                return answer.ok
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def log_in(self, email: str, password: str) -> None:
        """From now on as this person. Raises `Refused`."""
        told = await self.post("/auth/login", {"email": email, "password": password})
        self._http.headers["Authorization"] = f"Bearer {told['access_token']}"

    async def get(self, path: str, **query: str) -> Any:
        return await self.ask("GET", path, query=query)

    async def all(self, path: str, **query: str) -> list[Item]:
        """Every item, not only those of a first page."""
        return await self.get(path, limit="-1", **query)  # type: ignore[no-any-return]

    async def post(self, path: str, body: object) -> Any:
        return await self.ask("POST", path, body)

    async def patch(self, path: str, body: object) -> Any:
        return await self.ask("PATCH", path, body)

    async def delete(self, path: str) -> None:
        await self.ask("DELETE", path)

    async def ask(self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None) -> Any:
        """Raises `Refused`; a Directus that is too busy is asked again for a while."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            async with self._http.request(method, path, json=body, params=query) as answer:
                if answer.ok:
                    told = await answer.json() if answer.content_type == "application/json" else None
                    return told.get("data") if isinstance(told, dict) else told
                if answer.status != BUSY or time.monotonic() > deadline:
                    raise Refused(method, path, answer.status, await answer.text())
            await asyncio.sleep(LOOK_SECONDS)
