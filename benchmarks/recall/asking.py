"""Asks every question when its time comes, and writes what was found."""

import pickle
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import UUID

import orjson

from backend.memory.retrieval.candidates import Candidates
from backend.memory.retrieval.question import Question
from backend.memory.scopes import Whose, scopes_of
from benchmarks.recall.data import Asked, Conversation, conversations
from benchmarks.recall.filling import Filling
from benchmarks.recall.opening import Memory

MOST = 20


@dataclass(frozen=True, slots=True)
class Example:
    """What the scoring of a question sees, for fitting; `relevant` are the ids of messages that hold the evidence."""

    conversation: str
    dataset: str
    id: str
    asked: str
    search: tuple[Question, Candidates] | None
    relevant: frozenset[int]


async def play(memory: Memory, data: Path, run: Path) -> None:
    """Fill memory with all conversations of a file, in order, ask their questions, and write the run for the scorer.

    Beside the run, `.examples` has an `Example` of each question.
    """
    with ExitStack() as stack:
        found, examples = (
            stack.enter_context(run.open("wb")),
            stack.enter_context(run.with_suffix(".examples").open("wb")),
        )
        for conversation in conversations(data):
            began = time.perf_counter()
            await _converse(memory, conversation, found, examples)
            print(
                f"{conversation.id:28}{len(conversation.messages):>6} messages"
                f"{len(conversation.questions):>5} questions{time.perf_counter() - began:>7.1f} s",
                flush=True,
            )


async def _converse(memory: Memory, conversation: Conversation, found: IO[bytes], examples: IO[bytes]) -> None:
    filling = Filling(memory.db, memory.indexing, conversation)
    scopes = await scopes_of(memory.db, Whose("default", conversation.id))
    for question in conversation.questions:
        await filling.up_to(question.after)
        at = question.at or _newest(conversation, question)
        found.write(orjson.dumps(await _ask(memory, scopes, question, at, filling.ids)) + b"\n")
        search = await memory.retrieval.gather(question.text, scopes=scopes, now=at)
        relevant = frozenset(id for id, name in filling.ids.items() if name in question.evidence)
        seen = search.question, search.candidates
        pickle.dump(
            Example(conversation.id, conversation.dataset, question.id, question.text, seen, relevant), examples
        )


async def _ask(
    memory: Memory, scopes: Sequence[UUID], question: Asked, at: datetime, ids: dict[int, str]
) -> dict[str, object]:
    began = time.perf_counter()
    found = await memory.retrieval.search(question.text, scopes=scopes, now=at, limit=MOST)
    return {
        "question_id": question.id,
        "retrieved": [ids[passage.message_id] for passage in found.passages if passage.message_id],
        "latency_ms": round((time.perf_counter() - began) * 1000, 2),
        "by": found.by,
        "strength": found.strength,
    }


def read_examples(path: Path) -> Iterator[Example]:
    """What `play` wrote."""
    with path.open("rb") as dumped:
        while dumped.peek(1):
            yield pickle.load(dumped)


def _newest(conversation: Conversation, question: Asked) -> datetime:
    """Data sets that do not tell when a question was asked mean: after everything was said."""
    return max((said.at for said in conversation.messages[: question.after] if said.at), default=datetime.now(UTC))
