"""What speaks for a candidate, in numbers that do not depend on the embedder's scale."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from backend.memory.columns import Floats
from backend.memory.retrieval.candidates import Candidates
from backend.memory.retrieval.question import Question
from backend.memory.retrieval.vocabulary import NUMBER_WORDS, TIME_WORDS, beginnings

Values: TypeAlias = npt.NDArray[np.floating[Any]]
Signals: TypeAlias = dict[str, Floats]

# The usual constants of BM25 (Robertson and Zaragoza, 2009).
SATURATION, LENGTH_WEIGHT = 1.2, 0.75
# A spread of cosines below this is noise, and the least by which a sum of rarities is divided.
TINY = 1e-6
# A session is as good as its best three candidates.
BEST_OF_SESSION = 3
# Beyond so many characters a text is not better for its length, but for being about one thing.
SHORT = 300
# A question stands in the last so many characters of what asks for an answer.
LAST_WORDS = 60
# What is told of a period is told within it or in the days after; in the days before, plans are.
FADING_DAYS = 7.0


def read_signals(question: Question, candidates: Candidates) -> Signals:
    """Every signal, [n] each; zero where it says nothing."""
    near = _Near(candidates)
    asking = _flags("?" in content[-LAST_WORDS:] for content in candidates.contents)
    signals = _words(candidates, near, asking) | _meaning(candidates, near, asking)
    signals |= _who(question, candidates, near) | _form(question, candidates) | _time(question, candidates)
    return {name: signal.astype(np.float32, copy=False) for name, signal in signals.items()}


class _Near:
    """Which candidates belong together: in a session, and side by side."""

    def __init__(self, candidates: Candidates) -> None:
        self.count = len(candidates.ids)
        self._previous, self._following = candidates.previous, candidates.following
        self._has_previous, self._has_following = self._previous >= 0, self._following >= 0
        # What belongs to no session, as a document, is a session of its own.
        sessions = np.where(candidates.sessions < 0, -1 - candidates.messages, candidates.sessions)
        _, self.session = np.unique(sessions, return_inverse=True)

    def before(self, signal: Values) -> Values:
        """The signal of what was said right before; zero where that is unknown."""
        return np.asarray(signal.take(self._previous, axis=-1) * self._has_previous)

    def after(self, signal: Values) -> Values:
        return np.asarray(signal.take(self._following, axis=-1) * self._has_following)

    def anywhere_in_session(self, flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Whether any candidate of the same session has it, [..., n]."""
        told = np.zeros((len(flags), self.session.max(initial=0) + 1), np.bool_)
        row, column = np.nonzero(flags)
        told[row, self.session[column]] = True
        return told[:, self.session]

    def of_session(self, signal: Values) -> Values:
        """The mean of the best few of the same session."""
        order = np.lexsort((-signal, self.session))
        session = self.session[order]
        best = order[np.arange(self.count) - np.searchsorted(session, session) < BEST_OF_SESSION]
        means = np.bincount(self.session[best], signal[best]) / np.bincount(self.session[best])
        return np.asarray(means[self.session])


def rarity(candidates: Candidates) -> Floats:
    """What a match of each term is worth, [t]: BM25's inverse document frequency."""
    scope = candidates.scope
    return np.log1p((scope.documents - scope.documents_with + 0.5) / (scope.documents_with + 0.5)).astype(np.float32)


def _words(candidates: Candidates, near: _Near, asking: Values) -> Signals:
    """BM25 as a share of the best candidate's; and which share of the question's rarity is there at all."""
    times, lengths, worth = candidates.frequency, candidates.lengths, rarity(candidates)
    together = times + near.before(times) + near.after(times)
    lengths_together = lengths + near.before(lengths) + near.after(lengths)
    mean, total = max(candidates.scope.mean_length, 1), max(float(worth.sum()), TINY)
    alone, around = _bm25(times, lengths / mean, worth), _bm25(together, lengths_together / mean / 3, worth)
    return {
        "words": alone / max(float(alone.max()), TINY),
        "words_around": around / max(float(around.max()), TINY),
        "terms": worth @ (times > 0) / total,
        "terms_around": worth @ (together > 0) / total,
        "terms_in_session": worth @ near.anywhere_in_session(times > 0) / total,
        "words_of_session": near.of_session(_standard(alone)),
        "answers_words": near.before(asking * alone) / max(float(alone.max()), TINY),
    }


def _bm25(times: Values, lengths: Values, worth: Values) -> Values:
    """`lengths` are relative to the mean."""
    saturation = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * lengths)
    return np.asarray(worth @ (times * (SATURATION + 1) / (times + np.maximum(saturation, TINY))))


def _meaning(candidates: Candidates, near: _Near, asking: Values) -> Signals:
    cosine = candidates.cosine
    if np.isnan(cosine).all():  # also if it has no rows
        return {name: np.zeros(near.count, np.float32) for name in MEANING}
    cosine = np.where(np.isnan(cosine), np.nanmin(cosine), cosine)
    whole = _standard(cosine[0])
    middle = median(cosine[0])
    sentence = _standard(cosine[1:].max(axis=0)) if len(cosine) > 1 else whole
    share = (cosine[0] - middle) / max(float(cosine[0].max()) - middle, TINY)
    values = (
        whole,
        share,
        sentence,
        near.before(whole),
        near.after(whole),
        near.of_session(whole),
        near.before(asking * np.maximum(share, 0)),
    )
    return dict(zip(MEANING, values, strict=True))


MEANING = (
    "meaning",
    "meaning_share",
    "meaning_of_a_sentence",
    "meaning_before",
    "meaning_after",
    "meaning_of_session",
    "answers_meaning",
)


def _standard(signal: Values) -> Values:
    """In standard deviations from the mean of the candidates."""
    # As `mean` and `std` do it, which take several times as long to begin as to count.
    away = signal - np.add.reduce(signal) / signal.dtype.type(len(signal))
    spread = np.sqrt(np.add.reduce(away * away) / signal.dtype.type(len(signal)))
    return np.asarray(away / (spread + TINY))


def median(signal: Values) -> float:
    """As numpy's, which takes ten times as long of so few."""
    ordered, middle = np.sort(signal), len(signal) // 2
    return float(ordered[middle] if len(signal) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


def _who(question: Question, candidates: Candidates, near: _Near) -> Signals:
    named = _flags(speaker == question.speaker for speaker in candidates.speakers) * bool(question.speaker)
    person = _flags(role == "user" for role in candidates.roles)
    return {
        "named_speaker": named,
        "beside_named_speaker": near.before(named),
        "person": person,
        "person_of_oneself": person * question.first_person,
        "assistant_of_itself": (1 - person) * question.second_person,
    }


def _form(question: Question, candidates: Candidates) -> Signals:
    contents = candidates.contents
    length = np.array([*map(len, contents)], np.float32)
    asks = _flags(content.rstrip().endswith("?") for content in contents)
    nothing = np.zeros(len(contents))
    return {
        "asks": asks,
        "length": np.log1p(np.minimum(length, SHORT)),
        "excess_length": np.log(np.maximum(length, SHORT) / SHORT),
        "beginning": (candidates.pieces == 0).astype(np.float32),
        "importance": candidates.importance,
        "tells_time": _telling(contents, TIME_WORDS) if question.asks_when else nothing,
        "tells_number": _telling(contents, NUMBER_WORDS) if question.asks_number else nothing,
    }


def _telling(contents: Sequence[str], words: frozenset[str]) -> Values:
    return _flags(not words.isdisjoint(beginnings(content)) for content in contents)


def _flags(held: Iterable[bool]) -> Values:
    return np.array([*held], np.float32)


def _time(question: Question, candidates: Candidates) -> Signals:
    days = candidates.days.astype(np.float32)
    age = np.where(days > 0, np.log1p(np.maximum(question.asked_at.toordinal() - days, 0)), 0)
    sessions_ago = candidates.scope.last_session - candidates.sessions
    return {
        "in_period": _in_period(question, days),
        "newer_session": -np.log1p(np.maximum(sessions_ago, 0)),
        "newer": -age,
        "newest_session": (sessions_ago == 0).astype(np.float32),
        "early_in_session": -np.log1p(candidates.positions),
    }


def _in_period(question: Question, days: Values) -> Values:
    """1 within a period that is asked for, fading beside it."""
    best = np.zeros(len(days))
    for period in question.periods:
        first, last = period.start.toordinal(), period.end.toordinal() - 1
        beside = np.maximum(days - last, 0) + 2 * np.maximum(first - days, 0)
        best = np.maximum(best, np.exp(-beside / max(FADING_DAYS, (last - first) / 2)))
    return np.where(days > 0, best, 0)
