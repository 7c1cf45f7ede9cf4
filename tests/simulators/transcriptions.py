"""The ears of a simulated provider: it hears what a test says it hears.

async with Provider() as provider: provider.ears.will(Fails(429), Hears("Hello"))
"""

import time
from collections import deque
from dataclasses import dataclass

from aiohttp import BodyPartReader, web

from tests.simulators.provider_behaviours import Behaviour, Call


@dataclass(frozen=True, slots=True)
class Recording:
    """A request for a transcription, as it came."""

    fields: dict[str, str]
    file_name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Hears:
    """What is said in a recording."""

    text: str = "Hello"

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        return web.json_response({"text": f" {self.text} "})


class Ears:
    """What comes to /audio/transcriptions."""

    def __init__(self) -> None:
        self.usual: Behaviour = Hears()
        self.heard: list[Recording] = []
        self._queue: deque[Behaviour] = deque()

    def will(self, *behaviours: Behaviour) -> None:
        """What the next calls get, each one once."""
        self._queue.extend(behaviours)

    async def perform(self, request: web.Request) -> web.StreamResponse:
        self.heard.append(await _recording(request))
        behaviour = self._queue.popleft() if self._queue else self.usual
        return await behaviour.perform(request, Call(b"{}", request.headers, time.time()))


async def _recording(request: web.Request) -> Recording:
    fields, file_name, media_type, content = {}, "", "", b""
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        assert part.name
        if part.name == "file":
            file_name, media_type = part.filename or "", part.headers["Content-Type"]
            content = bytes(await part.read())
        else:
            fields[part.name] = await part.text()
    return Recording(fields, file_name, media_type, content)
