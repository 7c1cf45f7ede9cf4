"""Whether what was found first is an answer, might be one, or is only the least bad of what there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from backend.memory.retrieval.candidates import Candidates, Floats, Integers
from backend.memory.retrieval.signals import Signals, rarity

Strength = Literal["strong", "weak", "none"]

# Among so many of the best something stands out, where there is an answer.
FIRST = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """A logistic model of `read_marks`: its `weights` and `bias`, and from which sums on it says weak and strong."""

    weights: Mapping[str, float]
    bias: float
    weak: float
    strong: float


def read_strength(marks: Mapping[str, float], limits: Limits) -> Strength:
    total = limits.bias + sum(marks[name] * weight for name, weight in limits.weights.items())
    return "strong" if total >= limits.strong else "weak" if total >= limits.weak else "none"


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
        "ahead_of_middle": float(ranked[0] - np.median(ranked)),
    }
