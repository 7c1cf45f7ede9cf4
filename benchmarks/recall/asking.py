"""Asks every question when its time comes, and writes what was found."""

import pickle
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from backend.database import Database
from backend.memory.indexing import Indexing
from backend.memory.retrieval.search import Retrieval
from backend.memory.scopes import Whose, scopes_of
from benchmarks.recall.data import Asked, Conversation, conversations
from benchmarks.recall.filling import Filling

MOST = 20


@dataclass(frozen=True, slots=True)
class Example:
    """What a question's scoring sees, for fitting: `relevant` are the ids of the messages that hold the evidence."""

    conversation: str
    dataset: str
    id: str
    asked: str
    search: Any
    relevant: frozenset[int]


async def play(db: Database, indexing: Indexing, retrieval: Retrieval, data: Path, run: Path, examples: Path) -> None:
    """Fill memory with all conversations of a file, in order, ask their questions, and write the run for the scorer."""
    with ExitStack() as stack:
        written, dumped = stack.enter_context(run.open("wb")), stack.enter_context(examples.open("wb"))
        for conversation in conversations(data):
            began = time.perf_counter()
            filling = Filling(db, indexing, conversation)
            scopes = await scopes_of(db, Whose("default", conversation.id))
            for question in conversation.questions:
                await filling.up_to(question.after)
                at = question.at or _newest(conversation, question)
                started = time.perf_counter()
                found = await retrieval.search(question.text, scopes=scopes, now=at, limit=MOST)
                spent = (time.perf_counter() - started) * 1000
                retrieved = [filling.ids[passage.message_id] for passage in found.passages if passage.message_id]
                line = {"question_id": question.id, "retrieved": retrieved, "latency_ms": round(spent, 2)}
                written.write(orjson.dumps(line | {"by": found.by, "strength": found.strength}) + b"\n")
                search = await retrieval.gather(question.text, scopes=scopes, now=at)
                relevant = frozenset(id for id, name in filling.ids.items() if name in question.evidence)
                pickle.dump(
                    Example(
                        conversation.id, conversation.dataset, question.id, question.text,
                        search and (search.question, search.candidates), relevant,
                    ),
                    dumped,
                )  # fmt: skip
            print(
                f"{conversation.id:28}{len(conversation.messages):>6} messages"
                f"{len(conversation.questions):>5} questions{time.perf_counter() - began:>7.1f} s", flush=True,
            )  # fmt: skip


def read_examples(path: Path) -> Iterator[Example]:
    with path.open("rb") as dumped:
        while True:
            try:
                yield pickle.load(dumped)
            except EOFError:
                return


def _newest(conversation: Conversation, question: Asked) -> datetime:
    """Data sets that do not tell when a question was asked mean: after everything was said."""
    return max((m.at for m in conversation.messages[: question.after] if m.at), default=datetime.now(UTC))
