"""How a run goes on from how its steps are: what is due, what is skipped, and how it ends. Pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

UNFINISHED = ("pending", "running", "waiting")
# What depends on such a step cannot be done.
MISSING = ("failed", "cancelled", "expired", "skipped")
# The worst that became of a step is what became of the run.
WORST_FIRST = ("failed", "expired", "cancelled")


@dataclass(frozen=True, slots=True)
class Step:
    """A step as its run sees it. What is `begun` but has no lease waits for a worker."""

    id: UUID
    position: int
    kind: str
    queue: str
    action: str
    depends_on: Sequence[int]
    status: str
    leased: bool
    result: str | None
    problem: str | None

    @property
    def over(self) -> bool:
        return self.status not in UNFINISHED


def as_steps(rows: Iterable[Any]) -> list[Step]:
    return [Step(**row) for row in rows]


def doomed(steps: Sequence[Step]) -> list[Step]:
    """The steps that cannot be done, because something that they depend on was not, directly or through others."""
    missing = {step.position for step in steps if step.status in MISSING}
    found: list[Step] = []
    while more := [step for step in steps if _lacks(step, missing)]:
        found += more
        missing |= {step.position for step in more}
    return found


def _lacks(step: Step, missing: set[int]) -> bool:
    begins = step.status == "pending" and step.kind == "act" and step.position not in missing
    return begins and not missing.isdisjoint(step.depends_on)


def due(steps: Sequence[Step]) -> list[Step]:
    """Those that somebody should take up now. Planning anew begins when what it follows is over, however it ended."""
    over = {step.position for step in steps if step.over}
    completed = {step.position for step in steps if step.status == "completed"}
    return [
        step
        for step in steps
        if (step.status == "running" and not step.leased)
        or (step.status == "pending" and set(step.depends_on) <= (over if step.kind == "plan" else completed))
    ]


def goes_on(steps: Sequence[Step]) -> str:
    """The status of a run that is not over."""
    return "running" if due(steps) or any(step.leased for step in steps) else "waiting"


def ended(steps: Sequence[Step]) -> str:
    """The status of a run whose steps are all over. What the person skipped, or a new plan replaced, is no failure."""
    statuses = {step.status for step in steps}
    return next((worst for worst in WORST_FIRST if worst in statuses), "completed")


def leaves(steps: Sequence[Step]) -> list[Step]:
    """The completed steps whose results are the run's: those that no completed one has used, of the last plan."""
    acts = [step for step in steps if step.kind == "act" and step.status == "completed"]
    planned_at = max((step.position for step in steps if step.kind == "plan"), default=0)
    acts = [step for step in acts if step.position > planned_at] or acts
    used = {position for step in acts for position in step.depends_on}
    return [step for step in acts if step.position not in used]
