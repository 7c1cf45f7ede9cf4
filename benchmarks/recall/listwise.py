"""Fits linear weights that put evidence above everything else: a listwise softmax with ridge, by L-BFGS."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Loss = Callable[[Doubles], tuple[float, Doubles]]

MOST_STEPS, REMEMBERED, HALVINGS, ENOUGH = 150, 10, 12, 1e-7
# A spread below this is none.
SAME = 1e-3


@dataclass(frozen=True, slots=True)
class Listed:
    """A question's candidates: signals [n, f], and of which evidence message each is a piece, from 0; -1 for others."""

    signals: npt.NDArray[np.float32]
    evidence: npt.NDArray[np.int64]


class Lists:
    """Many questions, one below the other; their signals are divided by their spread, so that one ridge fits all."""

    def __init__(self, lists: Sequence[Listed]) -> None:
        rows = np.concatenate([one.signals for one in lists])
        spread = rows.std(axis=0)
        # What is the same everywhere teaches nothing, and should not be blown up.
        self.spread = np.where(spread < SAME, np.float32(1), spread)
        self.rows = rows / self.spread
        self.columns = np.ascontiguousarray(self.rows.T)
        sizes = [len(one.evidence) for one in lists]
        found = [int(one.evidence.max(initial=-1)) + 1 for one in lists]
        self.question = np.repeat(np.arange(len(lists)), sizes)
        self.starts = np.cumsum([0, *sizes[:-1]])
        evidence = np.concatenate([one.evidence for one in lists])
        self.other = evidence < 0
        self.gold = (evidence + np.repeat(np.cumsum([0, *found[:-1]]), sizes))[~self.other]
        self.question_of_gold = np.repeat(np.arange(len(lists)), found)
        self.share = np.repeat(1 / np.maximum(found, 1), found)

    def loss(self, weights: Doubles) -> tuple[float, Doubles]:
        """How improbable each evidence message is among those that are none, with the gradient.

        Evidence does not compete with evidence; a message is as probable as its pieces together; questions are equal.
        """
        scores = self.columns.T @ weights.astype(np.float32)
        mass = np.exp(scores - np.maximum.reduceat(scores, self.starts)[self.question])
        others = np.bincount(self.question[self.other], mass[self.other], minlength=len(self.starts))
        itself = np.bincount(self.gold, mass[~self.other], minlength=len(self.share)) + 1e-30
        together = itself + others[self.question_of_gold]
        weight = self.share / together
        pull = np.empty_like(mass)
        of_question = np.bincount(self.question_of_gold, weight, minlength=len(self.starts))
        pull[self.other] = mass[self.other] * of_question[self.question[self.other]]
        pull[~self.other] = mass[~self.other] * (weight - self.share / itself)[self.gold]
        return float(self.share @ np.log(together / itself)), (self.columns @ pull).astype(np.float64)


def fit(lists: Lists, ridge: float, near: Doubles | None = None) -> Doubles:
    """The weights [f] with the least loss and `ridge` times the square of their distance from others, or from 0."""
    middle = np.zeros(len(lists.spread)) if near is None else near * lists.spread

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        value, gradient = lists.loss(weights)
        away = weights - middle
        return value + ridge * float(away @ away), gradient + 2 * ridge * away

    return np.asarray(least(loss, middle) / lists.spread)


def least(loss: Loss, weights: Doubles) -> Doubles:
    """Where a loss is least, going downhill from `weights` (Nocedal and Wright, Numerical Optimization, 7.4)."""
    value, gradient = loss(weights)
    past: list[tuple[Doubles, Doubles]] = []
    for _ in range(MOST_STEPS):
        step = _direction(gradient, past)
        for _ in range(HALVINGS):
            lower, steeper = loss(weights + step)
            if lower <= value + 1e-4 * float(gradient @ step):
                break
            step = step / 2
        else:
            return weights
        past = [*past[-REMEMBERED + 1 :], (step, steeper - gradient)]
        gained, weights, value, gradient = value - lower, weights + step, lower, steeper
        if gained < ENOUGH * abs(value):
            break
    return weights


def _direction(gradient: Doubles, past: Sequence[tuple[Doubles, Doubles]]) -> Doubles:
    direction, shares = -gradient, []
    usable = [(step, change, float(step @ change)) for step, change in past if step @ change > 0]
    for step, change, curve in reversed(usable):
        shares.append(float(step @ direction) / curve)
        direction = direction - shares[-1] * change
    if not usable:
        return np.asarray(direction / max(1.0, float(np.linalg.norm(gradient))))
    step, change, curve = usable[-1]
    direction = direction * (curve / float(change @ change))
    for (step, change, curve), share in zip(usable, reversed(shares), strict=True):
        direction = direction + step * (share - float(change @ direction) / curve)
    return direction
