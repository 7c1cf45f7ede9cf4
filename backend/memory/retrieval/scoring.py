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


@dataclass(frozen=True, slots=True)
class Ranked:
    """The signals, what each adds to the score, and which candidates are best, without repetitions."""

    signals: Signals
    parts: Mapping[str, Floats]
    scores: Floats
    order: Integers


def score(question: Question, candidates: Candidates, weights: Weights = WEIGHTS) -> Scored:
    """How well each candidate answers, and whether the best of them is an answer at all."""
    if not len(candidates.ids):
        return Scored(np.empty(0, np.int64), np.empty(0, np.float32), {}, "none")
    ranked = rank(question, candidates, weights)
    marks = read_marks(candidates, ranked.signals, ranked.scores, ranked.order)
    return Scored(ranked.order, ranked.scores, ranked.parts, read_strength(marks, weights.strength))


def rank(question: Question, candidates: Candidates, weights: Weights = WEIGHTS) -> Ranked:
    """Of at least one candidate."""
    signals = read_signals(question, candidates)
    weighed = weights.signals[kind_of(question, candidates)]
    parts = np.array([signals[name] for name in weighed]) * np.array([*weighed.values()], np.float32)[:, None]
    scores = parts.sum(axis=0)
    order = _fold(candidates, np.argsort(-scores, kind="stable"))
    return Ranked(signals, dict(zip(weighed, parts, strict=True)), scores, order)


def _fold(candidates: Candidates, order: Integers) -> Integers:
    """The best piece of each message, without repetitions."""
    order = order[~repeated(candidates)[order]]
    messages = candidates.messages[order]
    if len(set(messages.tolist())) == len(messages):
        return order
    _, best = np.unique(messages, return_index=True)
    return np.asarray(order[np.sort(best)])


def repeated(candidates: Candidates) -> npt.NDArray[np.bool_]:
    """Which candidates say, word for word, what another said before them."""
    repeats = np.zeros(len(candidates.ids), np.bool_)
    said = [content.strip().lower() for content in candidates.contents]
    texts = set(said)
    if len(texts) == len(said):
        return repeats
    for place in np.lexsort((candidates.pieces, candidates.positions, candidates.sessions)).tolist():
        repeats[place] = said[place] not in texts
        texts.discard(said[place])
    return repeats
