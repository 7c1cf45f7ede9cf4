"""Whether what was found first is an answer, might be one, or is only the least bad of what there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from backend.memory.retrieval.candidates import Candidates, Floats, Integers
from backend.memory.retrieval.signals import Signals

Strength = Literal["strong", "weak", "none"]

# So many of the best are looked at together.
FIRST = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """A logistic model of the best candidates' marks: its `weights`, and from which sum on they are weak or strong."""

    weights: Mapping[str, float]
    weak: float
    strong: float


def read_strength(
    candidates: Candidates, signals: Signals, scores: Floats, order: Integers, limits: Limits
) -> Strength:
    marks = read_marks(candidates, signals, scores, order)
    total = sum(marks[name] * weight for name, weight in limits.weights.items())
    return "strong" if total >= limits.strong else "weak" if total >= limits.weak else "none"


def read_marks(candidates: Candidates, signals: Signals, scores: Floats, order: Integers) -> dict[str, float]:
    """What tells an answer from the least bad, of the best few in `order`."""
    best = order[0]
    return {"terms": float(signals["terms"][best])}
