"""Vectors of passages, kept on disk: a second run is not about the embedder any more."""

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backend.llm.embedding.types import Embedder, Vectors


class KeptVectors:
    """An embedder that embeds each text only once in its life; `path` is a file for this embedder alone."""

    def __init__(self, embedder: Embedder, path: Path) -> None:
        self.spec = embedder.spec
        self._embedder = embedder
        path.parent.mkdir(parents=True, exist_ok=True)
        self._kept = sqlite3.connect(path, isolation_level=None)
        self._kept.execute("pragma synchronous = off")
        self._kept.execute("create table if not exists vectors (text blob primary key, vector blob) without rowid")

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        found = {text: vector for text in texts if (vector := self._read(text)) is not None}
        if new := [text for text in dict.fromkeys(texts) if text not in found]:
            made = await self._embedder.embed_passages(new)
            found |= zip(new, made, strict=True)
            self._kept.executemany(
                "insert or ignore into vectors values (?, ?)",
                [(_key(text), vector.tobytes()) for text, vector in zip(new, made, strict=True)],
            )
        return np.stack([found[text] for text in texts])

    async def embed_questions(self, texts: Sequence[str]) -> Vectors:
        return await self._embedder.embed_questions(texts)

    async def close(self) -> None:
        self._kept.close()
        await self._embedder.close()

    def _read(self, text: str) -> Vectors | None:
        row = self._kept.execute("select vector from vectors where text = ?", [_key(text)]).fetchone()
        return np.frombuffer(row[0], np.float32) if row else None


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
