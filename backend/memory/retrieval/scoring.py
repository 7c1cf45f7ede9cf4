"""How well candidates answer a question: one linear function of signals, each of which can be shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from backend.memory.retrieval.candidates import Candidates, Floats, Integers
from backend.memory.retrieval.question import Question

Strength = Literal["strong", "weak", "none"]


@dataclass(frozen=True, slots=True)
class Scored:
    """`order` names candidates, best first: one piece per message, repetitions left out. `parts` add up to `scores`."""

    order: Integers
    scores: Floats  # [n]
    parts: Mapping[str, Floats]  # [n] each
    strength: Strength


def score(question: Question, candidates: Candidates) -> Scored:
    """How well each candidate answers."""
    raise NotImplementedError
