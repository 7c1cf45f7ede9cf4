"""The steps of a macro's plan: who does what after which, with places for the values of its parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from backend.gateway.parameters import MacroInvalid

# As many as a plan that a model makes may have.
MOST_STEPS = 10
LONGEST_ACTION = 4_000
AGENT = re.compile(r"[a-z][a-z0-9_-]{0,63}")
KNOWN = {"agent", "action", "depends_on"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `depends_on` are the numbers, from 1, of earlier ones whose results it needs."""

    agent: str
    action: str
    depends_on: tuple[int, ...] = ()


def read_plan(given: object) -> tuple[Step, ...]:
    """The plan of a macro's row, which anybody may have written; none for null. Raises `MacroInvalid`."""
    if given is None:
        return ()
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_STEPS:
        raise MacroInvalid(f"a plan is a list of 1 to {MOST_STEPS} steps")
    return tuple(_read_step(number, step) for number, step in enumerate(given, 1))


def _read_step(number: int, given: object) -> Step:
    if not isinstance(given, Mapping) or given.keys() - KNOWN:
        raise MacroInvalid(f"step {number} is an object with {', '.join(sorted(KNOWN))}")
    agent, action, needs = given.get("agent"), given.get("action"), given.get("depends_on") or []
    if not isinstance(agent, str) or not AGENT.fullmatch(agent):
        raise MacroInvalid(f"step {number} needs an agent, by its slug")
    if not isinstance(action, str) or not action.strip() or len(action) > LONGEST_ACTION or "\0" in action:
        raise MacroInvalid(f"step {number} needs an action of at most {LONGEST_ACTION} characters")
    if not isinstance(needs, list) or not all(_is_earlier(place, number) for place in needs):
        raise MacroInvalid(f"step {number} can depend only on the numbers of earlier steps, from 1")
    return Step(agent, action, tuple(sorted(set(needs))))


def _is_earlier(place: object, number: int) -> bool:
    return isinstance(place, int) and not isinstance(place, bool) and 1 <= place < number
