"""An embedder that runs on this machine."""

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import structlog

from backend.database import forbid_open_transaction
from backend.llm.embedding.folder import find_model, kept_in
from backend.llm.embedding.hub import DownloadFailed, Hub
from backend.llm.embedding.prefixes import prefixes_of, prepared
from backend.llm.embedding.types import EmbedderInvalid, EmbedderUnavailable, Vectors

if TYPE_CHECKING:
    from backend.llm.embedding.model import Model

log = structlog.get_logger(__name__)

# Beyond a few threads a small model gains nothing, and the rest of the machine would wait.
MOST_THREADS = 4
# So much work at a time that a stop need not wait long, and that memory stays bounded.
MOST_TEXTS, MOST_CHARACTERS = 16, 16_000
# More characters than the most tokens of a text have, as a rule; the rest need not be looked at.
LONGEST_TEXT = 20_000
# After a model could not be loaded or fetched.
REST_SECONDS = 60.0


class LocalEmbedder:
    """A model from a folder, or from the Hugging Face hub; loaded when it is first needed.

    Only passages make it download anything: nobody who asks a question should wait for that.
    """

    def __init__(self, spec: str, name: str, *, hub: Hub, cache: Path) -> None:
        self.spec = spec
        self._name = name
        self._prefixes = prefixes_of(name)
        self._hub, self._cache = hub, cache
        self._model: Model | None = None
        self._loading = Lock()
        self._rests_until = 0.0
        # A thread for each, so that a question does not wait for passages.
        self._passages = ThreadPoolExecutor(1, "passages")
        self._questions = ThreadPoolExecutor(1, "questions")

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        forbid_open_transaction()
        if not self._model and not find_model(self._name, self._cache):
            await self._download()
        return await self._embed(texts, self._prefixes.passage, self._passages)

    async def embed_questions(self, texts: Sequence[str]) -> Vectors:
        forbid_open_transaction()
        return await self._embed(texts, self._prefixes.question, self._questions)

    async def close(self) -> None:
        self._passages.shutdown(wait=False, cancel_futures=True)
        self._questions.shutdown(wait=False, cancel_futures=True)

    async def _embed(self, texts: Sequence[str], prefix: str, thread: ThreadPoolExecutor) -> Vectors:
        """Shortest first, because the longest text of a batch decides what all of it costs."""
        ready = [prepared(text, prefix, LONGEST_TEXT) for text in texts]
        vectors: Vectors | None = None
        for rows in batches([len(text) for text in ready]):
            made = await self._run(thread, [ready[row] for row in rows])
            if vectors is None:
                vectors = np.empty((len(ready), made.shape[1]), np.float32)
            vectors[rows] = made
        return np.empty((0, 0), np.float32) if vectors is None else vectors

    async def _run(self, thread: ThreadPoolExecutor, texts: Sequence[str]) -> Vectors:
        self._expect_work()
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, lambda: self._loaded().embed(texts))
        except EmbedderUnavailable:
            raise
        except Exception as error:  # onnxruntime and tokenizers raise what they like
            raise self._failed(error) from error

    def _loaded(self) -> "Model":
        """Called in a thread: a model takes seconds to load. Raises what its reading does."""
        with self._loading:
            if self._model is None:
                if not (folder := find_model(self._name, self._cache)):
                    raise EmbedderUnavailable("the model was not downloaded yet")
                self._model = _load(folder)
                log.info("embedder_loaded", embedder=self.spec)
            return self._model

    async def _download(self) -> None:
        self._expect_work()
        log.info("embedder_download_begins", embedder=self.spec)
        try:
            await self._hub.download(self._name, kept_in(self._cache, self._name))
        except DownloadFailed as error:
            raise self._failed(error) from None

    def _expect_work(self) -> None:
        if (wait := self._rests_until - time.monotonic()) > 0:
            raise EmbedderUnavailable(retry_after=wait)

    def _failed(self, error: Exception) -> EmbedderUnavailable:
        self._rests_until = time.monotonic() + REST_SECONDS
        ours = isinstance(error, DownloadFailed | EmbedderInvalid)  # others may quote the text
        log.warning("embedder_failed", embedder=self.spec, reason=str(error) if ours else type(error).__name__)
        return EmbedderUnavailable(retry_after=REST_SECONDS)


def _load(folder: Path) -> "Model":
    from backend.llm.embedding.model import Model  # noqa: PLC0415  # it takes a second, and is an extra

    try:
        return Model(folder, threads=min(MOST_THREADS, os.cpu_count() or 1))
    except Exception as error:
        raise EmbedderInvalid(f"the model in {folder} cannot be loaded: {error}") from error


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """The numbers of the texts, shortest first, in batches that are bounded by what padding makes of them."""
    made: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if not made or len(made[-1]) == MOST_TEXTS or (len(made[-1]) + 1) * lengths[row] > MOST_CHARACTERS:
            made.append([])
        made[-1].append(row)
    return made
