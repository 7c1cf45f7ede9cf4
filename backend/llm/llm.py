import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter, Histogram

from backend.database import forbid_open_transaction
from backend.llm.prices import Price, priced
from backend.llm.types import (
    Answer,
    Call,
    ChatMessage,
    Completion,
    NoProviderAnswered,
    Outcome,
    Provider,
    ProviderFailed,
    Purpose,
    Show,
    Usage,
)

log = structlog.get_logger(__name__)

CALLS = Counter("llmbot_llm_calls", "Requests to providers", ["purpose", "provider", "outcome"])
SECONDS = Histogram("llmbot_llm_seconds", "How long providers took to answer", ["purpose", "provider"])

# A provider that failed this often in a row is left alone, twice as long each time.
FAILURES_BEFORE_REST = 3
REST_SECONDS, LONGEST_REST_SECONDS = 15.0, 300.0
# When everybody failed, the chain is asked once more after a pause no longer than this.
LONGEST_PAUSE_SECONDS, PAUSE_SECONDS = 10.0, 0.5


@dataclass(slots=True)
class _Patience:
    """How a provider has been doing, and until when it is left alone (monotonic seconds)."""

    failures: int = 0
    until: float = 0.0

    def answered(self) -> None:
        self.failures, self.until = 0, 0.0

    def failed(self, failure: ProviderFailed) -> None:
        self.failures += 1
        rests = self.failures - FAILURES_BEFORE_REST
        pause = min(REST_SECONDS * 2.0 ** min(rests, 10), LONGEST_REST_SECONDS) if rests >= 0 else 0.0
        asked = min(failure.retry_after or 0.0, LONGEST_REST_SECONDS)
        self.until = time.monotonic() + max(pause, asked)


@dataclass(slots=True)
class _Asking:
    """One walk along a chain: who was called so far, and whether people have seen a part of an answer."""

    purpose: Purpose
    messages: Sequence[ChatMessage]
    show: Show | None
    deadline: float
    calls: list[Call] = field(default_factory=list)
    shown: bool = False

    def left(self) -> float:
        return self.deadline - time.monotonic()

    def show_piece(self, piece: str) -> None:
        assert self.show
        self.shown = True
        self.show(piece)


class Llm:
    """Asks the providers of a chain in order until one answers, within one time limit."""

    def __init__(
        self,
        chains: Mapping[Purpose, Sequence[Provider]],
        *,
        time_limit: float,
        prices: Mapping[str, Price] | None = None,
    ) -> None:
        """`time_limit` is in seconds, for a whole chain."""
        self._chains = chains
        self._time_limit = time_limit
        self._prices = prices or {}
        self._patience: dict[int, _Patience] = {}

    def chain(self, purpose: Purpose) -> Sequence[Provider]:
        """Who is asked, in order; empty when nothing is configured."""
        return self._chains.get(purpose, ())

    async def complete(
        self, purpose: Purpose, messages: Sequence[ChatMessage], *, show: Show | None = None
    ) -> Completion:
        """The first good answer. With `show`, it is streamed.

        Raises `NoProviderAnswered`, which carries the calls that were made. Once a part of an answer was shown, the
        next provider is not asked: people would see two answers run into one another.
        """
        forbid_open_transaction()
        asking = _Asking(purpose, messages, show, time.monotonic() + self._time_limit)
        for providers in self._rounds(asking):
            for provider, seconds in self._shares(providers, asking):
                if completion := await self._ask(provider, seconds, asking):
                    return completion
                if asking.shown:
                    raise NoProviderAnswered(asking.calls, retry_after=1)
            if (pause := self._pause(asking)) is None:
                break
            await asyncio.sleep(pause)
        raise NoProviderAnswered(asking.calls, retry_after=self._retry_after(purpose))

    async def close(self) -> None:
        for chain in self._chains.values():
            for provider in chain:
                await provider.close()

    def _rounds(self, asking: _Asking) -> Iterator[Sequence[Provider]]:
        """First those that are not resting, or, if all are, the one that has rested most; then, once more, the rest."""
        chain, now = self.chain(asking.purpose), time.monotonic()
        rested = [provider for provider in chain if self._how_is(provider).until <= now]
        yield rested or sorted(chain, key=lambda provider: self._how_is(provider).until)[:1]
        refused = {(call.provider, call.model) for call in asking.calls if call.outcome is Outcome.REFUSED}
        now = time.monotonic()
        yield [
            provider
            for provider in chain
            if (provider.name, provider.model) not in refused and self._how_is(provider).until <= now
        ]

    def _shares(self, providers: Sequence[Provider], asking: _Asking) -> Iterator[tuple[Provider, float]]:
        """Each provider with its seconds: what is left is shared with those who come after it."""
        for asked, provider in enumerate(providers):
            yield provider, max(0.0, asking.left()) / (len(providers) - asked)

    async def _ask(self, provider: Provider, seconds: float, asking: _Asking) -> Completion | None:
        """One request; a failure is recorded, logged, and None."""
        began = time.perf_counter()
        try:
            answer = await self._within(seconds, provider, asking)
        except ProviderFailed as failure:
            self._how_is(provider).failed(failure)
            self._record(provider, asking, began, failure.outcome)
            log.warning(
                "provider_failed",
                provider=provider.name,
                model=provider.model,
                outcome=failure.outcome,
                reason=str(failure),
            )
            return None
        self._how_is(provider).answered()
        self._record(provider, asking, began, Outcome.ANSWERED, answer)
        return Completion(answer.text, provider.name, provider.model, tuple(asking.calls))

    async def _within(self, seconds: float, provider: Provider, asking: _Asking) -> Answer:
        try:
            async with asyncio.timeout(seconds):
                return await provider.complete(asking.messages, asking.show_piece if asking.show else None)
        except TimeoutError:
            raise ProviderFailed(Outcome.TIMEOUT, f"no answer within {seconds:.0f} s") from None

    def _record(
        self,
        provider: Provider,
        asking: _Asking,
        began: float,
        outcome: Outcome,
        answer: Answer | None = None,
    ) -> None:
        seconds = time.perf_counter() - began
        CALLS.labels(asking.purpose, provider.name, outcome).inc()
        SECONDS.labels(asking.purpose, provider.name).observe(seconds)
        price = self._prices.get(f"{provider.name}:{provider.model}")
        usage = priced(answer.usage, price) if answer else Usage()
        spent = round(seconds * 1000)
        asking.calls.append(Call(asking.purpose, provider.name, provider.model, spent, outcome, usage))

    def _pause(self, asking: _Asking) -> float | None:
        """Seconds until it is worth asking again; None if that is too long, or nobody is left."""
        wait = (self._retry_after(asking.purpose) or 0.0) + PAUSE_SECONDS
        return wait if self.chain(asking.purpose) and wait < min(LONGEST_PAUSE_SECONDS, asking.left()) else None

    def _retry_after(self, purpose: Purpose) -> float | None:
        """Seconds until the first provider may be asked again; None without any provider."""
        waits = [self._how_is(provider).until - time.monotonic() for provider in self.chain(purpose)]
        return max(0.0, min(waits)) if waits else None

    def _how_is(self, provider: Provider) -> _Patience:
        return self._patience.setdefault(id(provider), _Patience())
