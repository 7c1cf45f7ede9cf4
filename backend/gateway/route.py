"""The decision about a message, and the words for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from backend.gateway.parameters import Value


class Mode(StrEnum):
    """Who decides: the model that answers, in the same call; another call before it; or nobody."""

    INLINE = "inline"
    CATEGORIZER = "categorizer"
    OFF = "off"


class Strategy(StrEnum):
    """How a message can be answered."""

    CHAT = "chat"
    AGENT = "agent"
    MACRO = "macro"
    DYNAMIC = "dynamic"


class Outcome(StrEnum):
    """What became of a decision; unless it was followed, or the person has too much under way, that is chat."""

    FOLLOWED = "followed"
    TARGET_UNKNOWN = "target-unknown"
    PARAMETERS_UNFIT = "parameters-unfit"
    TOO_MANY_RUNS = "too-many-runs"
    ROUTER_FAILED = "router-failed"


@dataclass(frozen=True, slots=True)
class Route:
    """The decision about a message. `milliseconds` is what it took by itself, if it was not the answer."""

    strategy: Strategy
    mode: Mode
    target: str | None = None
    parameters: Mapping[str, Value] = field(default_factory=dict)
    why: str = ""
    model: str = ""
    milliseconds: int | None = None
    outcome: Outcome = Outcome.FOLLOWED

    def row(self) -> dict[str, Any]:
        """The columns of `routes`."""
        return {
            "strategy": self.strategy,
            "target": self.target,
            "parameters": self.parameters,
            "why": self.why,
            "mode": self.mode,
            "model": self.model,
            "milliseconds": self.milliseconds,
            "outcome": self.outcome,
        }
