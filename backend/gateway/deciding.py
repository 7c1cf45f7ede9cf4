"""From what a model would do with a message to what is done: nothing that is not on offer, or does not fit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson

from backend.agents.types import Ordered
from backend.gateway.choices import Choice, Prepared
from backend.gateway.offer import Offer
from backend.gateway.parameters import WHY, ParametersUnfit, Value
from backend.gateway.route import Mode, Outcome, Route, Strategy
from backend.llm import ChatMessage, ToolCall

LONGEST_TARGET, LONGEST_REASON = 64, 500


@dataclass(frozen=True, slots=True)
class Wish:
    """What a model would do with a message; nothing of it has been looked at."""

    strategy: Strategy
    target: str | None
    parameters: object
    why: object


@dataclass(frozen=True, slots=True)
class Errand:
    """What will be carried out, with values that fit it."""

    choice: Choice
    values: Mapping[str, Value]

    def order(self, message: str) -> Ordered | None:
        """As a run; None if a model answers the `prompt` instead."""
        return self.choice.order(self.values, message)

    def prompt(self, message: str) -> list[ChatMessage]:
        assert isinstance(self.choice, Prepared)
        return self.choice.macro.prompt(self.values, message)


def wish_of(call: ToolCall, offer: Offer) -> Wish:
    """What a called tool means; arguments that are no JSON fit nothing."""
    try:
        arguments = orjson.loads(call.arguments) if call.arguments.strip() else {}
    except orjson.JSONDecodeError:
        arguments = None
    why = arguments.pop(WHY, "") if isinstance(arguments, dict) else ""
    if choice := offer.called(call.name):
        return Wish(choice.strategy, choice.target, arguments, why)
    return Wish(Strategy.MACRO, call.name, arguments, why)


def decide(wish: Wish, offer: Offer, mode: Mode) -> tuple[Route, Errand | None]:
    """The decision, and what is carried out; None is chat."""
    route = Route(wish.strategy, mode, why=_written(wish.why, LONGEST_REASON))
    if wish.strategy is Strategy.CHAT:
        return route, None
    choice = offer.find(wish.strategy, wish.target)
    if choice is None:
        return replace(route, target=_written(wish.target, LONGEST_TARGET), outcome=Outcome.TARGET_UNKNOWN), None
    route = replace(route, target=choice.target)
    if not isinstance(wish.parameters, dict):
        return replace(route, outcome=Outcome.PARAMETERS_UNFIT, why="the parameters are no JSON object"), None
    try:
        values = choice.fitted(wish.parameters)
    except ParametersUnfit as unfit:
        return replace(route, outcome=Outcome.PARAMETERS_UNFIT, why=str(unfit)), None
    return replace(route, parameters=values), Errand(choice, values)


def failed(mode: Mode, why: str) -> Route:
    """The router itself could not decide."""
    return Route(Strategy.CHAT, mode, why=why, outcome=Outcome.ROUTER_FAILED)


def _written(text: object, longest: int) -> str:
    """What a model wrote, as Postgres can keep it."""
    return text.replace("\0", "")[:longest] if isinstance(text, str) else ""
