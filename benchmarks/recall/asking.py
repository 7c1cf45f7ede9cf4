"""Asks every question when its time comes, and writes what was found."""

import pickle
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import orjson

from backend.memory.retrieval.candidates import Candidates
from backend.memory.retrieval.question import Question
from backend.memory.scopes import Whose, scopes_of
from benchmarks.recall.data import Asked, Conversation, conversations
from benchmarks.recall.filling import Filling
from benchmarks.recall.never_said import never_said
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


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where it is written what was found, and what scoring saw: for the data's questions, and for never-said ones."""

    found: IO[bytes]
    examples: IO[bytes]
    never_said: IO[bytes]
    never_said_examples: IO[bytes]


async def play(memory: Memory, data: Path, run: Path) -> None:
    """Fill memory with all conversations of a file, in order, ask their questions, and write the run for the scorer.

    Beside the run, `.examples` has an `Example` of each question; `.never.jsonl` and `.never.examples` are the same for
    questions about what was never said.
    """
    paths = (run, run.with_suffix(".examples"), run.with_suffix(".never.jsonl"), run.with_suffix(".never.examples"))
    with ExitStack() as stack:
        outputs = Outputs(*(stack.enter_context(path.open("wb")) for path in paths))
        for conversation in conversations(data):
            began = time.perf_counter()
            await _converse(memory, conversation, outputs)
            print(
                f"{conversation.id:28}{len(conversation.messages):>6} messages"
                f"{len(conversation.questions):>5} questions{time.perf_counter() - began:>7.1f} s",
                flush=True,
            )


async def _converse(memory: Memory, conversation: Conversation, outputs: Outputs) -> None:
    filling = Filling(memory.db, memory.indexing, conversation)
    for question in conversation.questions:
        await filling.up_to(question.after)
        outputs.found.write(orjson.dumps(await _ask(memory, conversation, question, filling.ids)) + b"\n")
        pickle.dump(await _example(memory, conversation, question, filling.ids), outputs.examples)
    for number, text in enumerate(never_said(conversation.language, conversation.speaker)):
        unheard = Asked(f"never said {number}", text, len(conversation.messages), None, ())
        outputs.never_said.write(orjson.dumps(await _ask(memory, conversation, unheard, filling.ids)) + b"\n")
        pickle.dump(await _example(memory, conversation, unheard, filling.ids), outputs.never_said_examples)


async def _ask(memory: Memory, conversation: Conversation, question: Asked, ids: dict[int, str]) -> dict[str, object]:
    """As a client would: over the API."""
    began = time.perf_counter()
    wanted = {"user_id": conversation.id, "text": question.text, "limit": MOST}
    wanted["at"] = _moment(conversation, question).isoformat()
    response = await memory.api.post("/v1/memory/search", json=wanted)
    found = response.raise_for_status().json()
    return {
        "question_id": question.id,
        "retrieved": [ids[passage["message_id"]] for passage in found["passages"]],
        "latency_ms": round((time.perf_counter() - began) * 1000, 2),
        "by": found["by"],
        "strength": found["strength"],
    }


async def _example(memory: Memory, conversation: Conversation, question: Asked, ids: dict[int, str]) -> Example:
    scopes = await scopes_of(memory.db, Whose("default", conversation.id))
    search = await memory.retrieval.gather(question.text, scopes=scopes, now=_moment(conversation, question))
    relevant = frozenset(id for id, name in ids.items() if name in question.evidence)
    seen = search.question, search.candidates
    return Example(conversation.id, conversation.dataset, question.id, question.text, seen, relevant)


def show_strengths(run: Path) -> None:
    """How often memory was said to know nothing: of what was said, and of what never was."""
    for path, told in ((run, "with an answer"), (run.with_suffix(".never.jsonl"), "about what was never said")):
        with path.open("rb") as found:
            strengths = [orjson.loads(line)["strength"] for line in found]
        shares = ", ".join(
            f"{name} {strengths.count(name) / len(strengths):.1%}" for name in ("none", "weak", "strong")
        )
        print(f"{len(strengths):>5} questions {told}: {shares}", flush=True)


def read_examples(path: Path) -> Iterator[Example]:
    """What `play` wrote."""
    with path.open("rb") as dumped:
        while dumped.peek(1):
            yield pickle.load(dumped)


def _moment(conversation: Conversation, question: Asked) -> datetime:
    """Data sets that do not tell when a question was asked mean: after everything was said."""
    said = (message.at for message in conversation.messages[: question.after] if message.at)
    return question.at or max(said, default=datetime.now(UTC))
