"""Floor and backend under the same load, in turn, so that both see the same machine."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.turns.load import Chats, Outcome, press
from benchmarks.turns.proc import cpu_seconds, wait_until_idle
from benchmarks.turns.programs import KEY, Programs

CONNECTIONS = (1, 8, 32)
# Several times as many chats as connections: nobody waits for an earlier message of the same chat.
CHATS = 100
FRESH, SHORT, LONG = "fresh", "short", "long"
# The same as fresh and short ones, with semantic memory.
FRESH_REMEMBERED, SHORT_REMEMBERED = "remembered-fresh", "remembered-short"
# And with agents and macros that the model is offered.
FRESH_ROUTED, SHORT_ROUTED = "routed-fresh", "routed-short"
# A short session has its first summary behind it: it differs from a long one in nothing but its length.
MESSAGES = {SHORT: 32, LONG: 10_000, SHORT_REMEMBERED: 32, SHORT_ROUTED: 32}
# What the last window left for the worker is not the next one's business.
WORKER_PATIENCE_SECONDS = 20.0
WARM_UP_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure: floor, and sessions of seven kinds, at each number of connections, in each round."""

    seconds: int
    rounds: int

    @property
    def total_seconds(self) -> int:
        return self.seconds * self.rounds * len(CONNECTIONS) * 8


@dataclass(frozen=True, slots=True)
class Window:
    """One target under load for a while; `cpu` is in milliseconds per turn, by program."""

    target: str
    connections: int
    outcome: Outcome
    cpu: dict[str, float]


def warm_up(programs: Programs) -> None:
    """Code paths taken once, statements prepared, pools filled."""
    for url in (programs.floor_url, programs.backend_url, programs.remembering_url, programs.routing_url):
        press(url, key=KEY, connections=CONNECTIONS[-1], seconds=WARM_UP_SECONDS, chats=Chats("warm-", CHATS))


def measure(programs: Programs, plan: Plan) -> Iterator[Window]:
    """Every window of the plan, as it ends. The order turns around from round to round."""
    for number in range(plan.rounds):
        for connections in CONNECTIONS:
            new = f"{number}-{connections}-"
            targets = [
                ("floor", programs.floor_url, new),
                (FRESH, programs.backend_url, new),
                (SHORT, programs.backend_url, SHORT),
                (LONG, programs.backend_url, LONG),
                (FRESH_REMEMBERED, programs.remembering_url, f"remembered-{new}"),
                (SHORT_REMEMBERED, programs.remembering_url, SHORT_REMEMBERED),
                (FRESH_ROUTED, programs.routing_url, f"routed-{new}"),
                (SHORT_ROUTED, programs.routing_url, SHORT_ROUTED),
            ]
            for name, url, prefix in targets[:: -1 if number % 2 else 1]:
                before = _settled(programs)
                outcome = press(url, key=KEY, connections=connections, seconds=plan.seconds, chats=Chats(prefix, CHATS))
                after = _cpu(programs)
                cpu = {part: (after[part] - before[part]) * 1000 / outcome.turns for part in after}
                yield Window(name, connections, outcome, cpu)


def _settled(programs: Programs) -> dict[str, float]:
    wait_until_idle(programs.worker.pid, patience=WORKER_PATIENCE_SECONDS)
    return _cpu(programs)


def _cpu(programs: Programs) -> dict[str, float]:
    children = {"floor": programs.floor, "backend": programs.backend, "worker": programs.worker}
    children |= {"remembering": programs.remembering, "routing": programs.routing}
    children |= {"postgres": programs.postgres, "model": programs.model}
    return {name: cpu_seconds(child.pid) for name, child in children.items()}
