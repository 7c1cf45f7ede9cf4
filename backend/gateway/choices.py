"""What a message can be answered with, beside words: a macro, an agent, or a plan that is still to be made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from backend.agents.types import Ordered
from backend.gateway.macros import Macro
from backend.gateway.parameters import Parameter, ParametersUnfit, Value, fitted, schema_of
from backend.gateway.route import Strategy
from backend.llm import Tool

LONGEST_TITLE, LONGEST_TASK = 80, 8_000
# A plan is one short call, and nothing happens before it is there.
PLANNING_QUEUE = "high"
PLAN = "Plan"

TASK = Parameter(
    "string",
    "What is to be done, in whole sentences and in the person's language, with everything from the conversation that is"
    " needed for it: whoever does it sees nothing but this and the last message.",
    required=True,
)
ONLY_IF_ASKED = "Call it if the person asks for this now, and only then; otherwise just answer."
IN_THE_BACKGROUND = "It is done in the background, and the person is told of the result."
PLANNING = (
    "Carries out a task that needs several steps, or several of the agents, one after another or at the same time: a "
    "plan is made for it."
)


class Choice(Protocol):
    """Something that a message may ask for; `target` is its name among those of its strategy."""

    @property
    def strategy(self) -> Strategy: ...
    @property
    def target(self) -> str | None: ...
    @property
    def about(self) -> str:
        """What it does."""

    def tool(self) -> Tool:
        """As it is offered to a model."""

    def fitted(self, given: Mapping[str, object]) -> dict[str, Value]:
        """The values that it needs. Raises `ParametersUnfit`."""

    def order(self, values: Mapping[str, Value], message: str) -> Ordered | None:
        """The run that it is; None if a model answers it at once."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Who can be asked to do something; `limits` are what a run of it may spend. Nobody in `people` means everybody."""

    slug: str
    description: str
    queue: str
    limits: Mapping[str, int]
    people: frozenset[str] = frozenset()

    strategy = Strategy.AGENT

    @property
    def target(self) -> str:
        return self.slug

    @property
    def about(self) -> str:
        return f"{self.description} {IN_THE_BACKGROUND}"

    def tool(self) -> Tool:
        """Slugs are in small letters, also those of macros: so this name is nobody's but its own."""
        return Tool(self.slug.upper(), f"{self.about} {ONLY_IF_ASKED}", schema_of({"task": TASK}))

    def fitted(self, given: Mapping[str, object]) -> dict[str, Value]:
        return _fitted_task(given)

    def order(self, values: Mapping[str, Value], message: str) -> Ordered:
        task = str(values["task"])
        return Ordered("agent", self.slug, titled(task), message, dict(self.limits), [_act(self, task)])


@dataclass(frozen=True, slots=True)
class Planning:
    """A plan by these agents, which is the run's first step."""

    agents: Sequence[Agent]

    strategy = Strategy.DYNAMIC
    target = None

    @property
    def about(self) -> str:
        return f"{PLANNING} {IN_THE_BACKGROUND}"

    def tool(self) -> Tool:
        """Neither in small letters, as macros, nor in capitals, as agents."""
        return Tool(PLAN, f"{self.about} {ONLY_IF_ASKED}", schema_of({"task": TASK}))

    def fitted(self, given: Mapping[str, object]) -> dict[str, Value]:
        return _fitted_task(given)

    def order(self, values: Mapping[str, Value], message: str) -> Ordered:
        task = str(values["task"])
        step = {"id": uuid4(), "kind": "plan", "agent": None, "action": task, "queue": PLANNING_QUEUE, "depends_on": []}
        return Ordered("dynamic", None, titled(task), message, limits_of(self.agents), [step])


@dataclass(frozen=True, slots=True)
class Prepared:
    """A macro, with the agents of its plan, if it has one."""

    macro: Macro
    agents: Mapping[str, Agent]

    strategy = Strategy.MACRO

    @property
    def target(self) -> str:
        return self.macro.slug

    @property
    def about(self) -> str:
        return f"{self.macro.description} {IN_THE_BACKGROUND}" if self.macro.plan else self.macro.description

    def tool(self) -> Tool:
        return Tool(self.macro.slug, f"{self.about} {ONLY_IF_ASKED}", schema_of(self.macro.parameters))

    def fitted(self, given: Mapping[str, object]) -> dict[str, Value]:
        return self.macro.fitted(given)

    def order(self, values: Mapping[str, Value], message: str) -> Ordered | None:
        if not self.macro.plan:
            return None
        steps = [
            _act(self.agents[step.agent], self.macro.action(step, values)) | {"depends_on": [*step.depends_on]}
            for step in self.macro.plan
        ]
        taking_part = [self.agents[step.agent] for step in self.macro.plan]
        return Ordered("macro", self.macro.slug, self.macro.name, message, limits_of(taking_part), steps)


def limits_of(agents: Sequence[Agent]) -> dict[str, int]:
    """What several may spend together: of each kind, as much as the one of them who may spend most."""
    return {limit: max(agent.limits[limit] for agent in agents) for limit in agents[0].limits}


def titled(task: str) -> str:
    """A task in a line."""
    line = " ".join(task.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1].rstrip()}…"


def _act(agent: Agent, action: str) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "kind": "act",
        "agent": agent.slug,
        "action": action,
        "queue": agent.queue,
        "depends_on": [],
    }


def _fitted_task(given: Mapping[str, object]) -> dict[str, Value]:
    values = fitted({"task": TASK}, given)
    if not 0 < len(str(values["task"]).strip()) <= LONGEST_TASK:
        raise ParametersUnfit(f"the task has 1 to {LONGEST_TASK} characters")
    return values
