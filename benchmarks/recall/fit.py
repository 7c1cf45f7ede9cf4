"""Fits the weights of the scoring to what searches saw, and shows what they are worth.

Prints the recall of the weights that are written, and of weights that never saw the conversation they are tried on.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.memory.retrieval.candidates import Candidates, Integers
from backend.memory.retrieval.question import Question
from backend.memory.retrieval.scoring import repeated
from backend.memory.retrieval.signals import read_signals
from benchmarks.recall.asking import Example, read_examples
from benchmarks.recall.listwise import Doubles, Listed, Lists, fit

WEIGHTS = Path("backend/memory/retrieval/weights.json")
COMMAND = "python -m benchmarks.recall.fit"
RIDGE = 5.0
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
    is_message: bool
    listed: Listed
    messages: Integers
    evidence: int


def main() -> None:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("examples", nargs="+", type=Path, help="what `make bench-recall` left in .local/recall")
    parser.add_argument("--ridge", type=float, default=RIDGE)
    options = parser.parse_args()
    written = json.loads(WEIGHTS.read_text())
    names = tuple(written["question"])
    asked = [one for path in options.examples for one in read_asked(path, names)]
    inside: list[tuple[Asked, Doubles]] = []
    outside: list[tuple[Asked, Doubles]] = []
    weights = np.zeros(len(names))
    taught = np.arange(len(names))
    for kind in ("question", "message"):
        some = [one for one in asked if one.is_message == (kind == "message")]
        weights = _fit(some, taught, weights, options.ridge)
        inside += [(one, weights) for one in some]
        outside += _left_out(some, taught, weights, options.ridge)
        written[kind] = dict(zip(names, (round(float(weight), 3) for weight in weights), strict=True))
        taught = np.array([place for place, name in enumerate(names) if name not in AS_IN_QUESTIONS | IN_PASSING])
        weights = weights * [name not in IN_PASSING for name in names]
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
    return Asked(example.conversation, example.dataset, question.is_message, listed, messages, len(example.relevant))


def _fit(asked: Sequence[Asked], taught: Integers, weights: Doubles, ridge: float) -> Doubles:
    """The weights [f], of which those at `taught` are fitted."""
    lists = Lists([Listed(one.listed.signals[:, taught], one.listed.evidence) for one in asked])
    fitted = weights.copy()
    fitted[taught] = fit(lists, ridge)
    return fitted


def _left_out(
    asked: Sequence[Asked], taught: Integers, weights: Doubles, ridge: float
) -> Iterator[tuple[Asked, Doubles]]:
    """Each question with weights that were fitted without its conversation."""
    for conversation in sorted({one.conversation for one in asked}):
        others = [one for one in asked if one.conversation != conversation]
        if others:
            without = _fit(others, taught, weights, ridge)
            yield from ((one, without) for one in asked if one.conversation == conversation)


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
