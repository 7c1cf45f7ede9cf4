"""An embedder behind an OpenAI-compatible endpoint."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
import structlog

from backend.database import forbid_open_transaction
from backend.llm import wire
from backend.llm.embedding.prefixes import prefixes_of, prepared
from backend.llm.embedding.types import EmbedderUnavailable, Vectors
from backend.llm.embedding.wire import read_vectors
from backend.llm.endpoint import Endpoint, failures_in_our_words
from backend.llm.patience import Patience
from backend.llm.types import Outcome, ProviderFailed

log = structlog.get_logger(__name__)

# Seconds for all attempts of one request: people wait for questions, nobody for passages.
QUESTION_SECONDS, PASSAGES_SECONDS = 5.0, 60.0
PAUSE_SECONDS = 0.5
TRIED_AGAIN = (Outcome.UNAVAILABLE, Outcome.RATE_LIMITED)

# Within the limits of the strictest: Text Embeddings Inference takes 32 texts by default, OpenAI 8,191 tokens a text.
MOST_TEXTS, MOST_CHARACTERS = 32, 64_000
LONGEST_TEXT = 16_000
# A refused text is cut in halves down to this: shorter ones are not what the provider minds.
SHORTEST_CUT = 500
# OpenAI refuses an empty text, and everything that comes with it.
BLANK = "."


@dataclass(frozen=True, slots=True)
class _Kind:
    """What stands before texts of a kind, how many seconds one request of them may take, and what is embedded instead
    of one that the provider would not have in any length: an empty string means nothing.
    """

    prefix: str
    seconds: float
    stand_in: str


# A fifth of the bytes of decimal numbers, and far less to parse. Who does not know it ignores it, or refuses.
BASE64 = {"encoding_format": "base64"}


class ServiceEmbedder:
    """One model at one endpoint.

    A provider that fails is asked again while there is time; one that keeps failing is left alone for a while.
    """

    def __init__(self, spec: str, model: str, endpoint: Endpoint) -> None:
        self.spec = spec
        self._model = model
        prefixes = prefixes_of(model)
        # A passage that is refused must not keep the others waiting for ever: it will be found by its words.
        self._passages = _Kind(prefixes.passage, PASSAGES_SECONDS, stand_in=BLANK)
        self._questions = _Kind(prefixes.question, QUESTION_SECONDS, stand_in="")
        self._endpoint = endpoint
        self._embeddings = endpoint.under("embeddings")
        self._encoding, self._encoding_known = BASE64, False
        self._patience = Patience()

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return await self._embed(texts, self._passages)

    async def embed_questions(self, texts: Sequence[str]) -> Vectors:
        return await self._embed(texts, self._questions)

    async def close(self) -> None:
        await self._endpoint.close()

    async def _embed(self, texts: Sequence[str], kind: _Kind) -> Vectors:
        forbid_open_transaction()
        ready = [prepared(text, kind.prefix, LONGEST_TEXT).strip() or BLANK for text in texts]
        try:
            made = [
                await self._embed_batch(batch, kind.stand_in, time.monotonic() + kind.seconds)
                for batch in batches(ready)
            ]
            return joined(made)
        except ProviderFailed as failure:
            wait = self._patience.left_alone(time.monotonic())
            log.warning(
                "embedder_failed",
                embedder=self.spec,
                outcome=failure.outcome,
                reason=str(failure),
                left_alone_seconds=round(wait),
            )
            raise EmbedderUnavailable(retry_after=wait or None) from None

    async def _embed_batch(self, texts: Sequence[str], stand_in: str, deadline: float) -> Vectors:
        """In smaller requests, if one is refused."""
        try:
            return await self._ask_until(deadline, texts)
        except ProviderFailed as failure:
            if failure.outcome is not Outcome.REFUSED:
                raise
            parts = smaller(texts)
            if not parts and (not stand_in or texts == [stand_in]):
                raise self._denied(failure) from None
        if not parts:
            log.warning("passage_refused", embedder=self.spec)
            return await self._embed_batch([stand_in], stand_in, deadline)
        return joined([await self._embed_batch(part, stand_in, deadline) for part in parts])

    def _denied(self, refusal: ProviderFailed) -> ProviderFailed:
        """It is not the size that the provider minds, so it would refuse the next request as well."""
        denied = ProviderFailed(Outcome.DENIED, str(refusal))
        self._patience.failed(denied, now := time.monotonic(), now)
        return denied

    async def _ask_until(self, deadline: float, texts: Sequence[str]) -> Vectors:
        while True:
            self._expect_an_answer()
            try:
                return await self._ask(texts, deadline)
            except ProviderFailed as failure:
                if failure.outcome not in TRIED_AGAIN:
                    raise
                await self._pause(deadline, failure)

    def _expect_an_answer(self) -> None:
        """Raises for a provider that is left alone; of the calls after its rest, one finds out how it is."""
        now = time.monotonic()
        if wait := self._patience.left_alone(now):
            raise EmbedderUnavailable(retry_after=wait)
        self._patience.is_tried(now)

    async def _pause(self, deadline: float, failure: ProviderFailed) -> None:
        """Until the provider may be asked again. Raises the failure if that is too late, or if it should rest."""
        now = time.monotonic()
        wait = PAUSE_SECONDS + max(0.0, self._patience.not_before - now)
        if self._patience.rests_until > now or now + wait >= deadline:
            raise failure
        await asyncio.sleep(wait)

    async def _ask(self, texts: Sequence[str], deadline: float) -> Vectors:
        """One request, which the patience with this provider remembers."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(deadline - began):
                vectors = await self._post_in_either_encoding(texts)
        except TimeoutError:
            failure = ProviderFailed(Outcome.TIMEOUT, f"no answer within {deadline - began:.3g} s")
            self._patience.failed(failure, began, time.monotonic())
            raise failure from None
        except ProviderFailed as failure:
            self._patience.failed(failure, began, time.monotonic())
            raise
        self._patience.answered()
        return vectors

    async def _post_in_either_encoding(self, texts: Sequence[str]) -> Vectors:
        try:
            return await self._post(texts, self._encoding)
        except ProviderFailed as failure:
            if failure.outcome is not Outcome.REFUSED or self._encoding_known:
                raise
        vectors = await self._post(texts, {})
        self._encoding = {}
        return vectors

    async def _post(self, texts: Sequence[str], encoding: dict[str, str]) -> Vectors:
        body = orjson.dumps({"model": self._model, "input": texts, **encoding})
        with failures_in_our_words():
            async with self._endpoint.http.post(self._embeddings, data=body) as response:
                vectors = read_vectors(await wire.read_body(response), len(texts))
        self._encoding_known = True
        return vectors


def batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in order, as many at a time as one request may carry."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == MOST_TEXTS or characters + len(text) > MOST_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch


def smaller(texts: Sequence[str]) -> list[Sequence[str]]:
    """Two halves of a batch, or the first half of a single text; nothing when that is short."""
    if len(texts) > 1:
        return [texts[: len(texts) // 2], texts[len(texts) // 2 :]]
    half = texts[0][: len(texts[0]) // 2]
    return [[half]] if len(half) >= SHORTEST_CUT else []


def joined(parts: Sequence[Vectors]) -> Vectors:
    """The rows of all parts, which should be of one size."""
    if len({part.shape[1] for part in parts}) > 1:
        raise ProviderFailed(Outcome.GARBLED, "vectors of several sizes")
    return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)
