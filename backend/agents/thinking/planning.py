"""The question to a model of how a request is carried out, and what its reply means."""

from collections.abc import Iterator, Sequence

from backend.agents.framing import RULE, frame
from backend.agents.thinking.instructions import asked
from backend.agents.thinking.replies import object_in
from backend.agents.types import Able, Done, PlannedStep, PlanUnusable, Request
from backend.llm import ChatMessage

MOST_STEPS, LONGEST_ACTION = 10, 4_000
# Of what a step has brought the beginning tells whether it has to be done again.
RESULT_SHOWN = 2_000

TASK = """\
You plan how a person's request is carried out by agents. You carry out nothing yourself.

Return one JSON object and nothing else:
{"steps": [{"agent": an agent's name, "action": what it is to do, "depends_on": [numbers of earlier steps]}, …]}

- As few steps as will do, %d at most; they are counted from 1 in their order. One step is fine.
- An agent knows the person's request and its own action, and gets the results of the steps that its own depends on; \
nothing else. Steps that do not depend on each other are carried out at the same time.
- An action is a complete order in the language of the request: what to do with what, and what to return.
- Nothing that the person has not asked for. What the last step returns is what the person gets.

The agents:
%s

%s"""
AGAIN = (
    "An earlier plan went wrong. Below is what became of its steps. Plan what is still to be done, if need be by "
    "another way; what is completed stays done, and its results are given to all the steps of your plan."
)
REPAIR = "This plan cannot be used: {reason}. Return the whole plan anew, as one JSON object."


def plan_prompt(request: Request, agents: Sequence[Able], done: Sequence[Done]) -> list[ChatMessage]:
    """What the planner is shown."""
    known = "\n".join(f"- {agent.slug}: {' '.join(agent.description.split())}" for agent in agents)
    return [
        ChatMessage("system", TASK % (MOST_STEPS, known, RULE)),
        ChatMessage("user", "\n\n".join(_shown(request, done))),
    ]


def _shown(request: Request, done: Sequence[Done]) -> Iterator[str]:
    yield from asked(request)
    if done:
        yield AGAIN
    for step in done:
        text = step.text if len(step.text) <= RESULT_SHOWN else f"{step.text[:RESULT_SHOWN]}…"
        yield frame(f"{step.action}\n\n{text}", f"a step that is {step.status}")


def read_plan(reply: str, agents: Sequence[Able]) -> tuple[PlannedStep, ...]:
    """The steps of a plan; each depends on earlier ones only, so none on itself. Raises `PlanUnusable`."""
    try:
        told = object_in(reply)["steps"]
    except (ValueError, KeyError):
        raise PlanUnusable("it is no JSON object with steps") from None
    if not isinstance(told, list) or not told:
        raise PlanUnusable("it has no steps")
    if len(told) > MOST_STEPS:
        raise PlanUnusable(f"it has {len(told)} steps, and {MOST_STEPS} are allowed")
    known = {agent.slug for agent in agents}
    return tuple(_read_step(number, step, known) for number, step in enumerate(told, 1))


def _read_step(number: int, told: object, known: set[str]) -> PlannedStep:
    if not isinstance(told, dict):
        raise PlanUnusable(f"step {number} is no object")
    agent, action = told.get("agent"), told.get("action")
    if not isinstance(agent, str) or agent not in known:
        raise PlanUnusable(f"step {number} is for an agent that there is not")
    action = action.replace("\0", "").strip() if isinstance(action, str) else ""
    if not action or len(action) > LONGEST_ACTION:
        raise PlanUnusable(f"the action of step {number} is missing, or longer than {LONGEST_ACTION} characters")
    return PlannedStep(agent, action, _read_needs(number, told.get("depends_on") or []))


def _read_needs(number: int, told: object) -> tuple[int, ...]:
    if not isinstance(told, list) or not all(type(needed) is int and 0 < needed < number for needed in told):
        raise PlanUnusable(f"step {number} depends on something else than numbers of earlier steps")
    return tuple(sorted(set(told)))
