"""Who talks to the backend over HTTP, and what they are told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import ClientError, ClientResponse, ClientSession

from tests.processes import PATIENCE_SECONDS, BackendProcess


@dataclass(frozen=True, slots=True)
class Told:
    """What a client was told, and how long it should wait before it asks again."""

    status: int
    retry_after: str | None
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """The answer; whoever reads it expects one."""
        assert self.status == 200, self
        return str(self.body["text"])


@dataclass(frozen=True, slots=True)
class Person:
    """Talks to the backend in a chat of their own."""

    name: str
    http: ClientSession
    bot: str = "default"

    async def asks(self, backend: BackendProcess, text: str, key: str = "") -> Told:
        """One request, whatever comes of it. Raises `ClientError` when the connection is lost."""
        async with self.http.post(f"{backend.url}/v1/chat/handle", json=self._message(text, key)) as response:
            return await _told(response)

    async def streams(self, backend: BackendProcess, text: str, key: str = "") -> ClientResponse:
        """The response, as soon as it begins; the caller releases it."""
        return await self.http.post(f"{backend.url}/v1/chat/stream", json=self._message(text, key))

    async def sends(self, backend: BackendProcess, text: str, key: str) -> ClientResponse:
        """Hands a message in whose answer is to be delivered; returns once it is accepted. The caller releases it."""
        sent = self._message(text, key) | {"deliver": True}
        response = await self.http.post(f"{backend.url}/v1/chat/stream", json=sent)
        assert response.status == 200, await response.text()
        assert (await response.content.readuntil(b"\n\n")).startswith(b"event: accepted")
        return response

    async def stops(self, backend: BackendProcess) -> int:
        """How many of the person's turns were to be stopped."""
        place = {"bot": self.bot, "user_id": self.name, "chat_id": self.name}
        async with self.http.post(f"{backend.url}/v1/chat/stop", json=place) as response:
            return int((await response.json())["stopped"])

    async def answers(self, backend: BackendProcess, confirmation: int, answer: str) -> Told:
        """To confirm or to cancel what the person was asked."""
        url = f"{backend.url}/v1/confirmations/{confirmation}/{answer}"
        async with self.http.post(url, json={"user_id": self.name}) as response:
            return await _told(response)

    async def insists(self, backends: Sequence[BackendProcess], text: str, key: str) -> list[Told | None]:
        """Asks with one key until there is an answer, each time somebody else; None stands for a lost connection.

        Only problems that may pass are worth asking again.
        """
        told: list[Told | None] = []
        async with asyncio.timeout(2 * PATIENCE_SECONDS):
            while not (told and told[-1] and told[-1].status == 200):
                await asyncio.sleep(0.3 if told else 0)
                try:
                    told.append(await self.asks(backends[len(told) % len(backends)], text, key))
                except ClientError:
                    told.append(None)
                assert told[-1] is None or told[-1].status in (200, 503), told
        return told

    async def says(self, backend: BackendProcess, text: str, key: str = "") -> str:
        """The answer, even of a backend that has just been started."""
        last = (await self.insists([backend], text, key or uuid4().hex))[-1]
        assert last
        return last.text

    def _message(self, text: str, key: str) -> dict[str, Any]:
        return {
            "bot": self.bot,
            "user_id": self.name,
            "chat_id": self.name,
            "text": text,
            "key": key or uuid4().hex,
        }


async def _told(response: ClientResponse) -> Told:
    body = await response.read()
    fits = "json" in response.content_type
    return Told(response.status, response.headers.get("Retry-After"), orjson.loads(body) if fits else {"text": body})


async def events_of(response: ClientResponse) -> list[tuple[str, dict[str, Any]]]:
    """What a stream brings from here to its end: names and data."""
    blocks = (await response.text()).replace("\r\n", "\n").split("\n\n")
    fields = [dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":") for block in blocks]
    return [(field["event"], orjson.loads(field["data"])) for field in fields if "event" in field]
