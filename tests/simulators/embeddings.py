"""The embeddings of a simulated provider: texts that share words have vectors that are near.

    async with Provider() as provider: provider.embeddings.will(Fails(429, retry_after=1), Embeds(spoiled=NAN))

They have a journal and a queue of their own, so that a test of a conversation need not know of them.
"""

import asyncio
import re
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import orjson
from aiohttp import web

from tests.simulators.provider_behaviours import Behaviour, Call, Json, refusal

DIMENSIONS = 256
# So many letters of a word count, so that its forms are near one another.
STEM = 5

Vector = npt.NDArray[np.float32]
Spoil = Callable[[list[Json]], list[Json]]


def vector_of(text: str, dimensions: int = DIMENSIONS) -> Vector:
    """The sum of its words, each of which points somewhere; not of length 1."""
    words = re.findall(r"\w+", text.lower()) or [text]
    vector: Vector = np.sum([_direction(word[:STEM], dimensions) for word in words], axis=0, dtype=np.float32)
    return vector


@cache
def _direction(word: str, dimensions: int) -> Vector:
    seed = int.from_bytes(blake2b(word.encode(errors="replace"), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).standard_normal(dimensions).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Embeds:
    """Vectors for the texts, after `delay` seconds and not before `gate` is set; `spoiled` changes the list of them."""

    dimensions: int = DIMENSIONS
    delay: float = 0
    gate: asyncio.Event | None = None
    knows_base64: bool = True
    spoiled: Spoil = list

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        if self.gate:
            await self.gate.wait()
        as_base64 = self.knows_base64 and call.body.get("encoding_format") == "base64"
        data: list[Json] = []
        for index, text in enumerate(texts_of(call)):
            vector = vector_of(text, self.dimensions)
            told = b64encode(vector.astype("<f4").tobytes()).decode() if as_base64 else vector.tolist()
            data.append({"object": "embedding", "index": index, "embedding": told})
        body = orjson.dumps({"object": "list", "model": call.body["model"], "data": self.spoiled(data)})
        return web.Response(body=body, content_type="application/json")


def texts_of(call: Call) -> list[str]:
    told = call.body["input"]
    return [told] if isinstance(told, str) else list(told)


class Embeddings:
    """What comes to /embeddings. What breaks the limits is refused, as long as they are set."""

    def __init__(self) -> None:
        self.usual: Behaviour = Embeds()
        self.calls: list[Call] = []
        self.paths: list[str] = []
        self.refuses_base64 = False
        self.most_texts = self.longest_text = 1 << 30
        self.refused_word = ""
        self._queue: deque[Behaviour] = deque()
        self._called = asyncio.Condition()

    @property
    def texts(self) -> list[list[str]]:
        """The texts of every call, in order."""
        return [texts_of(call) for call in self.calls]

    def will(self, *behaviours: Behaviour) -> None:
        """What the next calls get, each one once."""
        self._queue.extend(behaviours)

    async def called(self, times: int = 1) -> None:
        """Returns once so many calls have come."""
        async with self._called:
            await self._called.wait_for(lambda: len(self.calls) >= times)

    async def perform(self, request: web.Request) -> web.StreamResponse:
        call = Call(await request.read(), request.headers, time.time())
        self.calls.append(call)
        self.paths.append(request.path)
        async with self._called:
            self._called.notify_all()
        if reason := self._refuses(call):
            return refusal(400, reason)
        return await (self._queue.popleft() if self._queue else self.usual).perform(request, call)

    def _refuses(self, call: Call) -> str:
        texts = texts_of(call)
        if self.refuses_base64 and "encoding_format" in call.body:
            return "base64 encoding is not currently supported"
        if len(texts) > self.most_texts or max(map(len, texts)) > self.longest_text or "" in texts:
            return "'$.input' is invalid."
        if self.refused_word and any(self.refused_word in text for text in texts):
            return "The response was filtered."
        return ""
