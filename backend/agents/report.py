"""What a person is told at the end of a run: its results, and what was not done; no model is asked for these words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.agents.course import MISSING, Step, leaves
from backend.agents.words import Words

ACTION_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Deeds:
    """Titles: done in steps that did not come to their end, allowed in vain, refused in others, or uncertain."""

    acted: Sequence[str] = ()
    in_vain: Sequence[str] = ()
    refused: Sequence[str] = ()
    uncertain: Sequence[str] = ()


def report(status: str, steps: Sequence[Step], deeds: Deeds, words: Words) -> str:
    results = [step.result for step in leaves(steps) if step.result]
    missing = [step for step in steps if step.status in MISSING]
    not_done = (f"{shortened(step.action)}: {words.reason(step.status, step.problem)}" for step in missing)
    parts = [
        words.stopped if status == "cancelled" and not results else "",
        *results,
        _listed(words.not_done, not_done),
        _listed(words.acted, deeds.acted),
        _listed(words.in_vain, deeds.in_vain),
        _listed(words.refused, dict.fromkeys(map(shortened, deeds.refused))),
        _listed(words.uncertain, deeds.uncertain),
    ]
    return "\n\n".join(part for part in parts if part) or words.completed


def shortened(action: str) -> str:
    """The first line of an action, not too long: what follows it is what the person gave."""
    line = " ".join(action.strip().partition("\n")[0].split())
    return line if len(line) <= ACTION_SHOWN else line[: ACTION_SHOWN - 1] + "…"


def _listed(heading: str, lines: Iterable[str]) -> str:
    listed = "\n".join(f"– {line}" for line in lines)
    return f"{heading}\n{listed}" if listed else ""
