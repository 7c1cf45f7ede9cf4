"""From what a model would do with a message to what is done: nothing that is not in the registry, or does not fit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import orjson

from backend.gateway.macros import Macro
from backend.gateway.parameters import WHY, ParametersUnfit, Value
from backend.llm import ChatMessage, ToolCall

LONGEST_TARGET, LONGEST_REASON = 64, 500


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
    """What became of a decision; all but the first mean that the message is answered as chat."""

    FOLLOWED = "followed"
    TARGET_UNKNOWN = "target-unknown"
    PARAMETERS_UNFIT = "parameters-unfit"
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


@dataclass(frozen=True, slots=True)
class Wish:
    """What a model would do with a message; nothing of it has been looked at."""

    strategy: Strategy
    target: str | None
    parameters: object
    why: object


@dataclass(frozen=True, slots=True)
class Errand:
    """A macro that will be carried out, with values that fit it."""

    macro: Macro
    values: Mapping[str, Value]

    def prompt(self, message: str) -> list[ChatMessage]:
        return self.macro.prompt(self.values, message)


def wish_of(call: ToolCall) -> Wish:
    """What a called tool means; arguments that are no JSON fit nothing."""
    try:
        arguments = orjson.loads(call.arguments) if call.arguments.strip() else {}
    except orjson.JSONDecodeError:
        arguments = None
    why = arguments.pop(WHY, "") if isinstance(arguments, dict) else ""
    return Wish(Strategy.MACRO, call.name, arguments, why)


def decide(wish: Wish, macros: Mapping[str, Macro], mode: Mode) -> tuple[Route, Errand | None]:
    """The decision, and what is carried out; None is chat."""
    route = Route(wish.strategy, mode, why=_written(wish.why, LONGEST_REASON))
    if wish.strategy is Strategy.CHAT:
        return route, None
    route = replace(route, target=_written(wish.target, LONGEST_TARGET))
    macro = macros.get(wish.target or "") if wish.strategy is Strategy.MACRO else None
    if macro is None:
        return replace(route, outcome=Outcome.TARGET_UNKNOWN), None
    if not isinstance(wish.parameters, dict):
        return replace(route, outcome=Outcome.PARAMETERS_UNFIT, why="the parameters are no JSON object"), None
    try:
        values = macro.fitted(wish.parameters)
    except ParametersUnfit as unfit:
        return replace(route, outcome=Outcome.PARAMETERS_UNFIT, why=str(unfit)), None
    return replace(route, parameters=values), Errand(macro, values)


def failed(mode: Mode, why: str) -> Route:
    """The router itself could not decide."""
    return Route(Strategy.CHAT, mode, why=why, outcome=Outcome.ROUTER_FAILED)


def _written(text: object, longest: int) -> str:
    """What a model wrote, as Postgres can keep it."""
    return text.replace("\0", "")[:longest] if isinstance(text, str) else ""
