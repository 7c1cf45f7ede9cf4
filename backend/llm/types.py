"""The words of this package; nothing here knows about any vendor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from backend.errors import Unavailable


class Purpose(StrEnum):
    """What a call is for; each purpose has its own chain."""

    CHAT = "chat"
    SUMMARY = "summary"
    ROUTER = "router"
    VISION = "vision"
    TRANSCRIPTION = "transcription"
    AGENT = "agent"
    PLANNER = "planner"
    JUDGE = "judge"


class Outcome(StrEnum):
    """How one request to one provider ended."""

    ANSWERED = "answered"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"  # it will not answer this request
    DENIED = "denied"  # it will not answer us: the key, the credit, the model's name
    UNAVAILABLE = "unavailable"
    GARBLED = "garbled"  # it answered something that is no completion
    EMPTY = "empty"
    CUT = "cut"  # a stream ended before its answer did
    STOPPED = "stopped"  # nobody wanted to hear the rest


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or a recording."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may call instead of answering; `parameters` is a JSON schema.

    It is an offer, which a model that knows no tools does not see. If it is `needed`, such a model is not asked.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    needed: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model calls; the arguments are what it wrote, which should be JSON. Not every provider gives an `id`."""

    name: str
    arguments: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One line of what a model is shown; `role` is system, user, assistant or tool.

    An assistant may have called tools; what came of a call is a message of the role tool, which `answers` its id. The
    `keepsake` is what the provider of the calls wants to have back with them.
    """

    role: str
    content: str
    media: Media | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    answers: str = ""
    keepsake: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a provider said a call used: tokens, and US dollars where it names a price."""

    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request to one provider, as it is recorded."""

    purpose: Purpose
    provider: str
    model: str
    milliseconds: int
    outcome: Outcome
    usage: Usage = Usage()

    def row(self) -> dict[str, Any]:
        """The columns of `llm_calls`."""
        return {
            "purpose": self.purpose,
            "provider": self.provider,
            "model": self.model,
            "tokens_in": self.usage.tokens_in,
            "tokens_out": self.usage.tokens_out,
            "tokens_cached": self.usage.tokens_cached,
            "cost": self.usage.cost,
            "milliseconds": self.milliseconds,
            "outcome": self.outcome,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What one provider said; the text may be empty if it calls a tool."""

    text: str
    usage: Usage = Usage()
    tool_calls: tuple[ToolCall, ...] = ()
    keepsake: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer of a chain: the text, who gave it, every call that was made for it, and the tools it calls, if any."""

    text: str
    provider: str
    model: str
    calls: tuple[Call, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    keepsake: dict[str, Any] | None = None


# Called with each visible piece of an answer while it is written.
Show: TypeAlias = Callable[[str], None]


class ProviderFailed(Exception):
    """One provider could not answer.

    `reason` goes into the log: it never quotes what was asked or said. `retry_after`, in seconds, is what the provider
    asked us to wait; `usage` is what the failed call has cost, if that was told.
    """

    def __init__(
        self, outcome: Outcome, reason: str, *, retry_after: float | None = None, usage: Usage | None = None
    ) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.retry_after = retry_after
        self.usage = usage or Usage()


class NoProviderAnswered(Unavailable):
    """No language model could answer right now."""

    def __init__(self, calls: Sequence[Call] = (), *, retry_after: float | None = None) -> None:
        super().__init__(retry_after=retry_after)
        self.calls = tuple(calls)


class Provider(Protocol):
    """A model at a service. `complete` raises `ProviderFailed`, and nothing else.

    With `show`, the answer is streamed, and what was shown piece by piece is the text of the answer. The tools are an
    offer: a provider that knows none answers without.
    """

    name: str
    model: str

    async def complete(
        self, messages: Sequence[ChatMessage], show: Show | None, tools: Sequence[Tool] = ()
    ) -> Answer: ...

    async def close(self) -> None: ...
