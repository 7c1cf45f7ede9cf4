import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

import structlog
from prometheus_client import Counter, Histogram

from backend.database import forbid_open_transaction
from backend.llm.catalog import ChainInvalid
from backend.llm.patience import Patience
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
    Tool,
    Usage,
)

ReadChain: TypeAlias = Callable[[str], Sequence[Provider]]

log = structlog.get_logger(__name__)

CALLS = Counter("llmbot_llm_calls", "Requests to providers", ["purpose", "provider", "outcome"])
SECONDS = Histogram("llmbot_llm_seconds", "How long providers took to answer", ["purpose", "provider"])
calls_of, seconds_of = cache(CALLS.labels), cache(SECONDS.labels)

# When everybody failed, those who may answer yet are asked once more, after a pause no longer than this.
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0
FINAL = (Outcome.REFUSED, Outcome.DENIED)


@dataclass(slots=True)
class _Asking:
    """One walk along a chain: who was called so far, and whether people have seen a part of an answer."""

    purpose: Purpose
    chain: Sequence[Provider]
    messages: Sequence[ChatMessage]
    show: Show | None
    deadline: float
    tools: Sequence[Tool] = ()
    calls: list[Call] = field(default_factory=list)
    refused_by: list[Provider] = field(default_factory=list)
    shown: bool = False

    def left(self) -> float:
        return self.deadline - time.monotonic()

    def showing(self, limit: asyncio.Timeout) -> Show | None:
        """`show`, after which nobody else will be asked: so the provider may use all the time that is left."""
        if (show := self.show) is None:
            return None

        def show_piece(piece: str) -> None:
            if not self.shown:
                self.shown = True
                limit.reschedule(asyncio.get_running_loop().time() + self.left())
            show(piece)

        return show_piece


class Llm:
    """Asks the providers of a chain in order until one answers, within one time limit."""

    def __init__(
        self,
        chains: Mapping[Purpose, Sequence[Provider]],
        *,
        time_limit: float,
        prices: Mapping[str, Price] | None = None,
        read: ReadChain | None = None,
    ) -> None:
        """`time_limit` is in seconds, for a whole chain. With `read`, a bot may have a chain of its own."""
        self._chains = chains
        self._time_limit = time_limit
        self._prices = prices or {}
        self._patience = {provider: Patience() for chain in chains.values() for provider in chain}
        self._known = {(provider.name, provider.model): provider for provider in chains.get(Purpose.CHAT, ())}
        self._read = read
        self._own_chains: dict[str, Sequence[Provider]] = {}

    def use(self, chains: Mapping[Purpose, Sequence[Provider]], read: ReadChain) -> None:
        """From now on others are asked; who is being asked may finish."""
        self._chains, self._read, self._own_chains = chains, read, {}
        self._known = {(provider.name, provider.model): provider for provider in chains.get(Purpose.CHAT, ())}
        for chain in chains.values():
            for provider in chain:
                self._patience.setdefault(provider, Patience())

    def chain(self, purpose: Purpose, own: str = "") -> Sequence[Provider]:
        """Who is asked, in order; empty when nothing is configured. `own` is a bot's chain, if it has one."""
        return (self._own_chain(own) if own else ()) or self._chains.get(purpose, ())

    async def complete(
        self,
        purpose: Purpose,
        messages: Sequence[ChatMessage],
        *,
        show: Show | None = None,
        chain: str = "",
        calls: list[Call] | None = None,
        tools: Sequence[Tool] = (),
    ) -> Completion:
        """The first good answer. With `show`, it is streamed. `chain` is that of a bot that has its own.

        Instead of a text, or after it, the answer may be calls of the `tools` that are offered.

        Who may cancel it hands in the list of `calls`: what is added there was made, and has to be paid.

        Raises `NoProviderAnswered`, which carries the calls that were made. Once a part of an answer was shown, the
        next provider is not asked: people would see two answers run into one another.
        """
        forbid_open_transaction()
        deadline = time.monotonic() + self._time_limit
        made = [] if calls is None else calls
        asking = _Asking(purpose, self.chain(purpose, chain), messages, show, deadline, tools, made)
        completion = await self._ask_in_order(asking)
        if not completion and (pause := self._pause(asking)) is not None:
            await asyncio.sleep(pause)
            completion = await self._ask_in_order(asking)
        if not completion:
            raise self._no_provider_answered(asking)
        return completion

    async def close(self) -> None:
        for provider in self._patience:
            await provider.close()

    def _own_chain(self, chain: str) -> Sequence[Provider]:
        """The providers of a chain, read once; none if it cannot be read, or nobody in it is set up."""
        if chain not in self._own_chains and self._read:
            try:
                self._own_chains[chain] = [self._known_as(provider) for provider in self._read(chain)]
            except ChainInvalid as error:
                log.warning("chain_invalid", chain=chain, reason=str(error))
                self._own_chains[chain] = ()
        return self._own_chains.get(chain, ())

    def _known_as(self, provider: Provider) -> Provider:
        """The same model in another chain is the same provider: how it has been doing holds for both."""
        known = self._known.setdefault((provider.name, provider.model), provider)
        self._patience.setdefault(known, Patience())
        return known

    async def _ask_in_order(self, asking: _Asking) -> Completion | None:
        """The first answer of those who may be asked now; each may use its share of the time that is left."""
        providers = self._ready(asking)
        for asked, provider in enumerate(providers):
            seconds = asking.left() / (len(providers) - asked)
            if seconds <= 0:
                break
            if completion := await self._ask(provider, seconds, asking):
                return completion
        return None

    def _ready(self, asking: _Asking) -> Sequence[Provider]:
        """Who may be asked now; of those who rest only one, and only if everybody does."""
        now = time.monotonic()
        ready = [provider for provider in self._willing(asking) if self._patience[provider].not_before <= now]
        awake = [provider for provider in ready if self._patience[provider].rests_until <= now]
        return awake or sorted(ready, key=lambda provider: self._patience[provider].rests_until)[:1]

    def _willing(self, asking: _Asking) -> Sequence[Provider]:
        return [provider for provider in asking.chain if provider not in asking.refused_by]

    async def _ask(self, provider: Provider, seconds: float, asking: _Asking) -> Completion | None:
        """One request; a failure is recorded, logged, and None, unless people saw a part of the answer."""
        patience, began = self._patience[provider], time.monotonic()
        patience.is_tried(began)
        try:
            answer = await self._within(seconds, provider, asking)
        except ProviderFailed as failure:
            patience.failed(failure, began, time.monotonic())
            if failure.outcome in FINAL:
                asking.refused_by.append(provider)
            self._record(provider, asking, began, failure.outcome, failure.usage)
            self._log(provider, failure)
            if asking.shown:
                raise self._no_provider_answered(asking) from None
            return None
        except asyncio.CancelledError:
            self._record(provider, asking, began, Outcome.STOPPED, Usage())
            raise
        patience.answered()
        self._record(provider, asking, began, Outcome.ANSWERED, answer.usage)
        calls = tuple(asking.calls)
        return Completion(answer.text, provider.name, provider.model, calls, answer.tool_calls, answer.keepsake)

    async def _within(self, seconds: float, provider: Provider, asking: _Asking) -> Answer:
        try:
            async with asyncio.timeout(seconds) as limit:
                return await provider.complete(asking.messages, asking.showing(limit), asking.tools)
        except TimeoutError:
            raise ProviderFailed(Outcome.TIMEOUT, f"no answer within {seconds:.3g} s") from None

    def _record(self, provider: Provider, asking: _Asking, began: float, outcome: Outcome, usage: Usage) -> None:
        seconds = time.monotonic() - began
        calls_of(asking.purpose, provider.name, outcome).inc()
        seconds_of(asking.purpose, provider.name).observe(seconds)
        usage = priced(usage, self._prices.get(f"{provider.name}:{provider.model}"))
        spent = round(seconds * 1000)
        asking.calls.append(Call(asking.purpose, provider.name, provider.model, spent, outcome, usage))

    def _log(self, provider: Provider, failure: ProviderFailed) -> None:
        log.warning(
            "provider_failed",
            provider=provider.name,
            model=provider.model,
            outcome=failure.outcome,
            reason=str(failure),
            left_alone_seconds=round(self._patience[provider].left_alone(time.monotonic())),
        )

    def _pause(self, asking: _Asking) -> float | None:
        """Seconds until it is worth asking again; None if that is too long, or nobody is left."""
        now = time.monotonic()
        waits = [max(0.0, self._patience[provider].not_before - now) for provider in self._willing(asking)]
        if not waits:
            return None
        pause = min(waits) + PAUSE_SECONDS
        return pause if pause < min(LONGEST_PAUSE_SECONDS, asking.left()) else None

    def _no_provider_answered(self, asking: _Asking) -> NoProviderAnswered:
        """With the seconds until somebody may answer, unless there is nobody."""
        now = time.monotonic()
        waits = [self._patience[provider].left_alone(now) for provider in asking.chain]
        return NoProviderAnswered(asking.calls, retry_after=min(waits, default=None))
