"""Fits when what was found is called strong, weak or none, to what searches saw.

Examples without evidence were never said. Prints what the limits do to conversations that the model never saw.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backend.memory.retrieval.scoring import rank
from backend.memory.retrieval.strength import read_marks
from benchmarks.recall.asking import Example, read_examples
from benchmarks.recall.fit import WEIGHTS
from benchmarks.recall.listwise import Doubles, least

COMMAND = "python -m benchmarks.recall.calibrate"
RIDGE = 1.0
# So many of the questions that have an answer may be told there is none; so sure the best is evidence if called strong.
LOST, SURE = 0.05, 0.8


@dataclass(frozen=True, slots=True)
class Judged:
    """The marks of a question's best candidates; whether it has an answer, and whether the best is one."""

    conversation: str
    marks: dict[str, float]
    answerable: bool
    answered: bool


def main() -> None:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("examples", nargs="+", type=Path)
    judged = [one for path in parser.parse_args().examples for one in map(_judge, read_examples(path)) if one]
    names = tuple(judged[0].marks)
    marks = np.array([[one.marks[name] for name in names] for one in judged])
    answerable = np.array([one.answerable for one in judged])
    answered = np.array([one.answered for one in judged])
    conversations = np.array([one.conversation for one in judged])
    holds, is_one = (_unseen(marks, told, conversations) for told in (answerable, answered))
    weak = float(np.quantile(holds[answerable], LOST))
    strong = _surely(is_one, answered)
    _show(holds, is_one, judged, (weak, strong))
    limits = {
        "weak": _limit(names, _logistic(marks, answerable), weak),
        "strong": _limit(names, _logistic(marks, answered), strong),
    }
    written = json.loads(WEIGHTS.read_text())
    WEIGHTS.write_text(json.dumps(written | {"calibrated_by": COMMAND, "strength": limits}, indent=1) + "\n")


def _unseen(marks: Doubles, told: npt.NDArray[np.bool_], conversations: npt.NDArray[np.str_]) -> Doubles:
    """The sums of each question by a model that never saw its conversation."""
    sums = np.empty(len(marks))
    for conversation in np.unique(conversations):
        held = conversations == conversation
        weights = _logistic(marks[~held], told[~held])
        sums[held] = marks[held] @ weights[:-1] + weights[-1]
    return sums


def _limit(names: Sequence[str], weights: Doubles, limit: float) -> dict[str, object]:
    model = {name: round(float(weight), 3) for name, weight in zip(names, weights[:-1], strict=True)}
    return {"weights": model, "bias": round(float(weights[-1]), 3), "limit": round(limit, 3)}


def _judge(example: Example) -> Judged | None:
    if not example.search or not len(example.search[1].ids):
        return None
    ranked = rank(*example.search)
    marks = read_marks(example.search[1], ranked.signals, ranked.scores, ranked.order)
    answered = int(example.search[1].messages[ranked.order[0]]) in example.relevant
    return Judged(example.conversation, marks, bool(example.relevant), answered)


def _logistic(marks: Doubles, told: npt.NDArray[np.bool_]) -> Doubles:
    """The weights of the marks and, last, the bias; both answers count the same, however many there are."""
    spread, middle = marks.std(axis=0) + 1e-9, marks.mean(axis=0)
    rows = np.column_stack([(marks - middle) / spread, np.ones(len(marks))])
    sign = np.where(told, 1.0, -1.0)
    share = np.where(told, 1 / told.sum(), 1 / (~told).sum()) * len(marks) / 2

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        margin = sign * (rows @ weights)
        gradient = -(share * sign / (1 + np.exp(margin))) @ rows
        return float(share @ np.logaddexp(0, -margin)) + RIDGE * float(
            weights @ weights
        ), gradient + 2 * RIDGE * weights

    weights = least(loss, np.zeros(rows.shape[1]))
    slopes = weights[:-1] / spread
    return np.append(slopes, weights[-1] - slopes @ middle)


def _surely(sums: Doubles, answered: npt.NDArray[np.bool_]) -> float:
    """From which sum on the best is evidence often enough."""
    falling = np.argsort(-sums)
    right = np.cumsum(answered[falling]) / np.arange(1, len(falling) + 1)
    sure = np.nonzero(right >= SURE)[0]
    return float(sums[falling[sure[-1]]]) if len(sure) else float(sums.max())


def _show(holds: Doubles, is_one: Doubles, judged: Sequence[Judged], limits: tuple[float, float]) -> None:
    answerable = np.array([one.answerable for one in judged])
    answered = np.array([one.answered for one in judged])
    print(f"Left out: {answerable.sum()} questions with an answer, {(~answerable).sum()} never-said")
    nothing = holds < limits[0]
    print(f"none:   {nothing[answerable].mean():.1%} of the first, {nothing[~answerable].mean():.1%} of the others")
    called = ~nothing & (is_one >= limits[1])
    print(f"strong: {called[answerable].mean():.1%} of the first, {called[~answerable].mean():.1%} of the others")
    print(f"        the best is evidence in {answered[called].mean():.1%} of those called strong")
    for lost in (0.02, 0.05, 0.1, 0.15, 0.2):
        limit = np.quantile(holds[answerable], lost)
        missed = (holds[~answerable] < limit).mean()
        print(f"        losing {lost:4.0%} of the first: none for {missed:.1%} of the others")


if __name__ == "__main__":
    main()
