"""Spares an embedder what it has done before."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b

import numpy as np

from backend.llm.embedding.types import Embedder, Vectors

REMEMBERED_BYTES = 4 << 20


class Thrifty:
    """An embedder whose equal texts are embedded once per call, and whose last questions are remembered.

    Of a question only a hash is kept, so that what is forgotten is not kept here.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.spec = embedder.spec
        self._embedder = embedder
        self._remembered: OrderedDict[bytes, Vectors] = OrderedDict()
        self._bytes = 0

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return await _each_once(self._embedder.embed_passages, texts)

    async def embed_questions(self, texts: Sequence[str]) -> Vectors:
        keys = [blake2b(text.encode(errors="replace"), digest_size=16).digest() for text in texts]
        found = {key: vector for key in keys if (vector := self._remembered.get(key)) is not None}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if new:
            made = await self._embedder.embed_questions([*new.values()])
            found |= zip(new, made, strict=True)
        for key in keys:
            self._remember(key, found[key])
        return np.stack([found[key] for key in keys]) if keys else np.empty((0, 0), np.float32)

    async def close(self) -> None:
        await self._embedder.close()

    def _remember(self, key: bytes, vector: Vectors) -> None:
        if key not in self._remembered:
            self._remembered[key] = vector.copy()  # a row alone would keep the whole answer
            self._bytes += vector.nbytes
        self._remembered.move_to_end(key)
        while self._bytes > REMEMBERED_BYTES:
            self._bytes -= self._remembered.popitem(last=False)[1].nbytes


async def _each_once(embed: Callable[[Sequence[str]], Awaitable[Vectors]], texts: Sequence[str]) -> Vectors:
    rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    vectors = await embed([*rows])
    return vectors if len(rows) == len(texts) else vectors[[rows[text] for text in texts]]
