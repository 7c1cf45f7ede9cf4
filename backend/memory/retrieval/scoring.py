"""How well candidates answer a question: one linear function of signals, each of which can be shown."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from backend.memory.columns import Floats, Integers
from backend.memory.retrieval.candidates import Candidates
from backend.memory.retrieval.question import Question
from backend.memory.retrieval.signals import Signals, read_signals
from backend.memory.retrieval.strength import Limit, Limits, read_marks, read_strength
from backend.memory.retrieval.strength import Strength as Strength

# A question in a memory where people talk to each other, or to an assistant; or a message that talks on.
Kind = Literal["among_people", "with_assistant", "message"]


@dataclass(frozen=True, slots=True)
class Weights:
    """What each signal weighs, by the kind of what is asked."""

    signals: Mapping[Kind, Mapping[str, float]]
    strength: Limits


def read_weights() -> Weights:
    read = json.loads(files(__package__).joinpath("weights.json").read_text())
    limits = {name: Limit(**limit) for name, limit in read["strength"].items()}
    return Weights({kind: read[kind] for kind in get_args(Kind)}, Limits(**limits))


def kind_of(question: Question, candidates: Candidates) -> Kind:
    if question.is_message:
        return "message"
    return "with_assistant" if "assistant" in candidates.roles else "among_people"


WEIGHTS = read_weights()


@dataclass(frozen=True, slots=True)
class Scored:
    """`order` names candidates, best first: one piece per message, repetitions left out. `parts` add up to `scores`."""

    order: Integers
    scores: Floats  # [n]
    parts: Mapping[str, Floats]  # [n] each
    strength: Strength


def score(question: Question, candidates: Candidates, weights: Weights = WEIGHTS) -> Scored:
    """How well each candidate answers, and whether the best of them is an answer at all."""
    if not len(candidates.ids):
        return Scored(np.empty(0, np.int64), np.empty(0, np.float32), {}, "none")
    signals, parts, order = rank(question, candidates, weights)
    scores = np.sum(list(parts.values()), axis=0)
    strength = read_strength(read_marks(candidates, signals, scores, order), weights.strength)
    return Scored(order, scores, parts, strength)


def rank(question: Question, candidates: Candidates, weights: Weights = WEIGHTS) -> tuple[Signals, Signals, Integers]:
    """The signals, what each adds to the score, and which candidates are best, without repetitions."""
    signals = read_signals(question, candidates)
    weighed = weights.signals[kind_of(question, candidates)]
    parts = {name: signals[name] * np.float32(weight) for name, weight in weighed.items()}
    order = np.argsort(-np.sum(list(parts.values()), axis=0), kind="stable")
    return signals, parts, _fold(candidates, order)


def _fold(candidates: Candidates, order: Integers) -> Integers:
    """The best piece of each message, without repetitions."""
    order = order[~repeated(candidates)[order]]
    _, best = np.unique(candidates.messages[order], return_index=True)
    return np.asarray(order[np.sort(best)])


def repeated(candidates: Candidates) -> npt.NDArray[np.bool_]:
    """Which candidates say, word for word, what another said before them."""
    repeats = np.zeros(len(candidates.ids), np.bool_)
    texts: set[str] = set()
    for place in np.lexsort((candidates.pieces, candidates.positions, candidates.sessions)).tolist():
        text = candidates.contents[place].strip().lower()
        repeats[place] = text in texts
        texts.add(text)
    return repeats
