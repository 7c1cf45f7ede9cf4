"""Whether what was found first is an answer, might be one, or is only the least bad of what there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from backend.memory.columns import Floats, Integers
from backend.memory.retrieval.candidates import Candidates
from backend.memory.retrieval.signals import Signals, median, rarity

Strength = Literal["strong", "weak", "none"]

# Among so many of the best something stands out, where there is an answer.
FIRST = 20


@dataclass(frozen=True, slots=True)
class Limit:
    """A logistic model of `read_marks`, and the sum from which on it says yes."""

    weights: Mapping[str, float]
    bias: float
    limit: float

    def is_reached(self, marks: Mapping[str, float]) -> bool:
        return self.bias + sum(marks[name] * weight for name, weight in self.weights.items()) >= self.limit


@dataclass(frozen=True, slots=True)
class Limits:
    """`weak`: memory holds an answer somewhere. `strong`: the best of what was found is one."""

    weak: Limit
    strong: Limit


def read_strength(marks: Mapping[str, float], limits: Limits) -> Strength:
    if not limits.weak.is_reached(marks):
        return "none"
    return "strong" if limits.strong.is_reached(marks) else "weak"


def read_marks(candidates: Candidates, signals: Signals, scores: Floats, order: Integers) -> dict[str, float]:
    """What tells an answer from the least bad: the question's words that are there, and how far the best stands out.

    `order` names candidates, best first, and is not empty.
    """
    best, ranked = order[0], scores[order]
    worth = rarity(candidates)
    never_said = float(worth[candidates.scope.documents_with == 0].sum()) / max(float(worth.sum()), 1e-6)
    agreeing = signals["terms"] * signals["meaning"]
    return {
        "terms": float(signals["terms"][best]),
        "terms_around": float(signals["terms_around"][best]),
        "terms_around_anywhere": float(signals["terms_around"].max()),
        "terms_in_session": float(signals["terms_in_session"][best]),
        "terms_never_said": never_said,
        "number_of_terms": float(np.log1p(len(worth))),
        "meaning": float(signals["meaning"][best]),
        "meaning_anywhere": float(signals["meaning"].max()),
        "terms_and_meaning": float(agreeing[best]),
        "terms_and_meaning_anywhere": float(agreeing.max()),
        "ahead_of_next": float(ranked[0] - ranked[1 : FIRST + 1].mean()) if len(ranked) > 1 else 0.0,
        "ahead_of_middle": float(ranked[0] - median(ranked)),
    }
