"""Fits the weights of the scoring to what searches saw, and shows what they are worth.

Prints the recall of the weights that are written, and of weights that never saw the conversation they are tried on.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backend.memory.columns import Integers
from backend.memory.retrieval.candidates import Candidates
from backend.memory.retrieval.question import Question
from backend.memory.retrieval.scoring import Kind, kind_of, repeated
from backend.memory.retrieval.signals import read_signals
from benchmarks.recall.asking import Example, read_examples
from benchmarks.recall.listwise import Doubles, Listed, Lists, fit

WEIGHTS = Path("backend/memory/retrieval/weights.json")
COMMAND = "python -m benchmarks.recall.fit"
RIDGE = 5.0
# Weights of a kind of question are held near those of all questions, which have seen more.
NEAR = 30.0
# Data sets of a kind count the same, as far as no question counts more often than this.
MOST_COPIES = 2
CUTS = (5, 10, 20)
# The messages here name nobody and so cannot teach what that is worth: it weighs as in questions. Times and numbers are
# mentioned in passing rather than asked for: they weigh nothing.
AS_IN_QUESTIONS = {"named_speaker", "beside_named_speaker"}
IN_PASSING = {"in_period", "tells_time", "tells_number"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's signals [n, f], the messages of its candidates [n], and how many messages hold evidence."""

    conversation: str
    dataset: str
    kind: Kind
    listed: Listed
    messages: Integers
    evidence: int


def main() -> None:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("examples", nargs="+", type=Path, help="what `make bench-recall` left in .local/recall")
    options = parser.parse_args()
    written = json.loads(WEIGHTS.read_text())
    names = tuple(written["message"])
    asked = [one for path in options.examples for one in read_asked(path, names)]
    weights = fit_all(asked, names)
    for kind, weighed in weights.items():
        written[kind] = dict(zip(names, (round(float(weight), 3) for weight in weighed), strict=True))
    inside = [(one, weights[one.kind]) for one in asked]
    outside: list[tuple[Asked, Doubles]] = []
    for conversation in sorted({one.conversation for one in asked}):
        unseen = fit_all([one for one in asked if one.conversation != conversation], names)
        outside += [(one, unseen[one.kind]) for one in asked if one.conversation == conversation]
    written["fitted_by"] = COMMAND
    _show("In sample", inside)
    _show("Left out", outside)
    WEIGHTS.write_text(json.dumps(written, indent=1) + "\n")


def read_asked(path: Path, names: Sequence[str]) -> Iterator[Asked]:
    for example in read_examples(path):
        if example.search:
            yield _asked(example, *example.search, names)


def _asked(example: Example, question: Question, candidates: Candidates, names: Sequence[str]) -> Asked:
    signals = read_signals(question, candidates)
    kept = ~repeated(candidates)
    messages = candidates.messages[kept]
    number = {message: place for place, message in enumerate(sorted(example.relevant & set(messages.tolist())))}
    evidence = np.array([number.get(message, -1) for message in messages.tolist()], np.int64)
    rows = np.stack([signals[name] for name in names], axis=1)[kept]
    listed = Listed(rows, evidence)
    return Asked(
        example.conversation, example.dataset, kind_of(question, candidates), listed, messages, len(example.relevant)
    )


def fit_all(asked: Sequence[Asked], names: Sequence[str]) -> dict[Kind, Doubles]:
    """The weights [f] of each kind."""
    of_all = _fit([one for one in asked if one.kind != "message"], np.zeros(len(names)), RIDGE)
    weights: dict[Kind, Doubles] = {}
    for kind in ("among_people", "with_assistant"):
        weights[kind] = _fit(_balanced([one for one in asked if one.kind == kind]), of_all, NEAR)
    taught = np.array([name not in AS_IN_QUESTIONS | IN_PASSING for name in names])
    known = of_all * [name in AS_IN_QUESTIONS for name in names]
    weights["message"] = known
    weights["message"][taught] = fit(_lists([one for one in asked if one.kind == "message"], taught), RIDGE)
    return weights


def _fit(asked: Sequence[Asked], near: Doubles, ridge: float) -> Doubles:
    """The weights [f], held near others by a ridge; the others themselves if there is nothing to learn from."""
    return fit(_lists(asked), ridge, near) if asked else near


def _lists(asked: Sequence[Asked], taught: npt.NDArray[np.bool_] | None = None) -> Lists:
    columns = slice(None) if taught is None else taught
    return Lists([Listed(one.listed.signals[:, columns], one.listed.evidence) for one in asked])


def _balanced(asked: Sequence[Asked]) -> list[Asked]:
    sizes = Counter(one.dataset for one in asked)
    copies = {name: min(MOST_COPIES, round(max(sizes.values()) / size)) for name, size in sizes.items()}
    return [one for one in asked for _ in range(copies[one.dataset])]


def _show(title: str, tried: Sequence[tuple[Asked, Doubles]]) -> None:
    print(f"{title:14}{'questions':>10}" + "".join(f"{f'R@{cut}':>7}" for cut in CUTS))
    for dataset in sorted({one.dataset for one, _ in tried}):
        recalls = [_recall(one, weights) for one, weights in tried if one.dataset == dataset]
        print(f"{dataset:14}{len(recalls):>10}" + "".join(f"{mean:7.1%}" for mean in np.mean(recalls, axis=0)))


def _recall(asked: Asked, weights: Doubles) -> list[float]:
    """The share of the evidence messages that is among the first so many messages."""
    order = np.argsort(-(asked.listed.signals @ weights), kind="stable")
    _, best = np.unique(asked.messages[order], return_index=True)
    found = asked.listed.evidence[order[np.sort(best)]] >= 0
    return [float(found[:cut].sum()) / asked.evidence for cut in CUTS]


if __name__ == "__main__":
    main()
