"""Conversations with questions about them, as a folder of JSON lines has them; its README describes the format."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILES = ("dev.jsonl", "dev_ru.jsonl")
SCORER = "score_recall.py"
# How data sets name speakers who have no name.
NAMELESS = {"user", "assistant"}


@dataclass(frozen=True, slots=True)
class Said:
    """A message; `speaker` is empty where nobody knows the name."""

    id: str
    session: str
    role: str
    speaker: str
    text: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, asked when so many messages had been said."""

    id: str
    text: str
    after: int
    at: datetime | None
    evidence: Sequence[str]


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    dataset: str
    language: str
    messages: Sequence[Said]
    questions: Sequence[Asked]  # in the order of their time

    @property
    def speaker(self) -> str:
        """The first who has a name, if anybody has one."""
        return next((message.speaker for message in self.messages if message.speaker), "")


def conversations(path: Path) -> Iterator[Conversation]:
    with path.open(encoding="utf-8") as lines:
        yield from (_conversation(json.loads(line)) for line in lines if line.strip())


def _conversation(read: dict[str, Any]) -> Conversation:
    messages = [
        Said(
            message["id"],
            message["session"],
            message["role"],
            "" if message["speaker"] in NAMELESS else message["speaker"],
            message["text"],
            _time(message["timestamp"]),
        )
        for message in read["messages"]
    ]
    place = {message.id: number for number, message in enumerate(messages, 1)}
    questions = [
        Asked(
            question["id"],
            question["question"],
            place[question["asked_after"]] if question.get("asked_after") else len(messages),
            _time(question.get("asked_at")),
            question["evidence"],
        )
        for question in read["questions"]
    ]
    return Conversation(
        read["conversation_id"],
        read["dataset"],
        read["language"],
        messages,
        sorted(questions, key=lambda question: question.after),
    )


def _time(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written).replace(tzinfo=UTC) if written else None
