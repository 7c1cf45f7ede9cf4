"""What a question asks for: its words without names, who is named, which times are meant."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Period:
    """From the first moment to before the second, both aware of their time zone."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """`texts` is what is embedded: the question without names and, if it is long, its sentences."""

    text: str
    texts: tuple[str, ...]
    speaker: str  # the one speaker who is named, or nobody
    periods: tuple[Period, ...]
    asked_at: datetime


def read_question(text: str, *, speakers: Collection[str], asked_at: datetime) -> Question:
    """What a question asks for, among people who are called `speakers`."""
    return Question(text=text, texts=(text,), speaker="", periods=(), asked_at=asked_at)
