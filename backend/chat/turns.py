"""The life of a turn: waiting, open, then answered, stopped, merged, failed or left to a human.

Each function is one statement. A turn is accepted with its message in one, which also reads the past for it: on the
usual way there is nothing to wait for. It is open when no earlier turn of its session is unfinished; otherwise it
waits, and opens itself when that has become true. A unique index allows one open turn per session, so a race ends in a
refused statement.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from backend.agents.ordering import as_row, check_room
from backend.agents.types import Ordered
from backend.chat.statements import (
    ACCEPTING,
    CLOSING,
    END,
    END_TO_DELIVER,
    FAIL_ORPHANS,
    FIND,
    IS_STOPPING,
    OPEN,
    REOPEN,
    STILL_WAITING,
)
from backend.database import Database, Record
from backend.errors import Conflict, Invalid, Unavailable
from backend.gateway import Route
from backend.llm import Call
from backend.llm.calls import as_rows
from backend.memory import Promise
from backend.memory.retrieval.knowing import Known as KnownMemory
from backend.memory.retrieval.knowing import as_known
from backend.memory.scopes import BotNotFound
from backend.memory.transcript import Past, as_past


class KeyReused(Invalid):
    """This key was used before, with another text or for another way of answering."""


class SessionBusy(Conflict):
    """The session is still answering earlier messages."""


class TurnInterrupted(Unavailable):
    """The answering was interrupted. Ask again with the same key."""

    def __init__(self) -> None:
        super().__init__(retry_after=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A person's message, as a client delivers it; `key` is already hashed with whom it belongs to.

    When the turn `delivers`, its end is left as a delivery, which replies to the client's message `reply_to`.
    """

    bot: str
    chat_id: str
    thread_id: str
    user_id: str
    user_name: str
    chat_type: str
    language: str
    text: str
    tokens: int
    key: UUID | None
    delivers: bool = False
    reply_to: str = ""

    @property
    def in_group(self) -> bool:
        """Whether others hear what is said here."""
        return self.chat_type != "private"


@dataclass(frozen=True, slots=True)
class Turn:
    """One attempt to answer; a later attempt has a higher number, and what an earlier one records is refused.

    `scopes` are where the session's memory is: its own, and the bot's. `llm_chain` is the bot's, if it has its own.
    """

    id: UUID
    session_id: UUID
    position: int
    attempt: int
    persona: str
    bot_name: str
    scopes: tuple[UUID, UUID]
    llm_chain: str
    delivers: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """A turn to be answered: at once, with the `past` that was read with it, or, without one, after a wait.

    `remembers_more` is whether its memory may hold anything beside this session; `memory` is what is known of it, if
    that was looked up. So many turns of the bot as `at_once` says may be carried out together, if it says so. What is
    `left_to_human` is not to be answered.
    """

    turn: Turn
    past: Past | None
    remembers_more: bool = True
    at_once: int | None = None
    memory: KnownMemory | None = None
    left_to_human: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A turn that was accepted before, with what was said in it, and which run began with it."""

    turn: Turn
    status: str
    question: str
    answer: str | None
    model: str | None
    run_id: UUID | None = None
    outcome: str | None = None


async def accept(db: Database, asked: Asked, promise: Promise, *, owner: int, most_lines: int) -> Accepted | None:
    """Store the message, what is promised of it, and its turn, once; None if its key is known. Raises `BotNotFound`.

    Of a message whose end will be delivered this may be told: it is on the disk then.
    """
    turn_id = uuid4()
    statement = ACCEPTING[asked.delivers, asked.in_group, bool(promise.pieces)]
    more = (asked.reply_to,) if asked.delivers else ()
    while True:
        try:
            rows = await db.run(
                statement, asked.bot, asked.chat_id, asked.thread_id, asked.user_id, asked.chat_type, asked.language,
                turn_id, asked.key, owner, asked.text, asked.tokens, most_lines, promise.pieces, promise.worth,
                asked.user_name, *more,
            )  # fmt: skip
        except asyncpg.UniqueViolationError as violation:
            if violation.constraint_name == "uq_turns_key":
                return None
            continue  # another turn of the session opened at this very moment: look again, and wait behind it
        if not rows:
            raise BotNotFound
        row = rows[0]
        turn = as_turn(row, turn_id, 1, delivers=asked.delivers)
        past, memory = None, None
        if row["status"] == "open":
            past, memory = as_past(row, in_group=asked.in_group), as_known(row, turn.scopes)
        left_to_human = row["status"] == "human"
        return Accepted(turn, past, row["remembers_more"], row["max_concurrent_turns"], memory, left_to_human)


def as_turn(row: Record, id: UUID, attempt: int, *, delivers: bool) -> Turn:
    scopes = row["scope"], row["bot_scope"]
    return Turn(
        id, row["session_id"], row["position"], attempt, row["persona"], row["name"], scopes, row["llm_chain"], delivers
    )


async def find(db: Database, key: UUID) -> Known | None:
    """The turn of a key, if it still exists."""
    for row in await db.run(FIND, key):
        turn = as_turn(row, row["id"], row["attempt"], delivers=row["delivers"])
        said = row["question"], row["answer"], row["model"]
        return Known(turn, row["status"], *said, row["run_id"], row["outcome"])
    return None


async def open_turn(db: Database, turn: Turn) -> bool:
    """True if it is this turn's turn now. Raises `TurnInterrupted` if it no longer waits."""
    try:
        if await db.run(OPEN, turn.id, turn.attempt):
            return True
    except asyncpg.UniqueViolationError:  # an earlier one is open: it was not yet visible
        return False
    if not await db.run(STILL_WAITING, turn.id, turn.attempt):
        raise TurnInterrupted
    return False


async def reopen(db: Database, found: Known, *, owner: int) -> Turn | None:
    """A failed turn, waiting to be answered once more; None if somebody else was faster."""
    turn = found.turn
    for row in await db.run(REOPEN, turn.id, turn.attempt, owner):
        return replace(turn, position=row["position"], attempt=row["attempt"])
    return None


@dataclass(frozen=True, slots=True)
class Closing:
    """What is recorded with an answer.

    `recalled` tells what memory found for it, `route` what was decided first; what was `ordered` begins with it.
    """

    text: str
    tokens: int
    model: str
    milliseconds: int
    promise: Promise
    window_tokens: int | None = None
    summary_version: int | None = None
    calls: tuple[Call, ...] = ()
    recalled: dict[str, Any] | None = None
    status: str = "answered"
    route: Route | None = None
    ordered: Ordered | None = None


@dataclass(frozen=True, slots=True)
class SummaryRule:
    """When a summary is asked for: at so many messages (0: never), or when the window is full; not twice in a while."""

    threshold: int
    window_full: bool
    not_again_within: float


async def close_turn(db: Database, turn: Turn, closing: Closing, rule: SummaryRule) -> bool:
    """Record the answer, and the run that begins with it; true if a summary is due.

    Raises `TurnInterrupted` if this attempt has lost the turn, or if it is to be stopped before a run begins, and
    `TooManyRuns` if that has no room.
    """
    route = [closing.route.row()] if closing.route else []
    ordered = [as_row(closing.ordered)] if closing.ordered else []
    statement, values = CLOSING[turn.delivers, bool(route), bool(ordered)], (
        turn.id, turn.attempt, turn.session_id, closing.text, closing.tokens, closing.model,
        closing.milliseconds, closing.window_tokens, closing.summary_version, rule.threshold, rule.window_full,
        rule.not_again_within, as_rows(closing.calls), closing.promise.pieces, closing.promise.worth,
        turn.bot_name, closing.recalled, closing.status, *route, *ordered,
    )  # fmt: skip
    if closing.ordered:
        async with db.begin() as tx:
            await check_room(tx, turn.session_id, closing.ordered.at_once)
            closed = await tx.fetch(statement, *values)
    else:
        closed = await db.run(statement, *values)
    if not closed:
        raise TurnInterrupted
    return bool(closed[0]["due"])


async def is_stopping(db: Database, turn: Turn) -> bool:
    """Whether it is still this attempt's, and the person wants no answer."""
    return bool(await db.run(IS_STOPPING, turn.id, turn.attempt))


async def fail_turn(db: Database, turn: Turn, problem: str, calls: tuple[Call, ...] = ()) -> None:
    """Record that this attempt has ended without an answer; its key may be asked again, unless it is delivered."""
    await _end(db, turn, "failed", problem, calls)


async def stop_turn(db: Database, turn: Turn, calls: tuple[Call, ...]) -> None:
    """Record that the turn was stopped before anything was written. Raises as `close_turn`."""
    if not await _end(db, turn, "stopped", None, calls):
        raise TurnInterrupted


async def _end(db: Database, turn: Turn, status: str, problem: str | None, calls: tuple[Call, ...]) -> list[Record]:
    statement = END_TO_DELIVER if turn.delivers else END
    return await db.run(statement, turn.id, turn.attempt, turn.session_id, problem, as_rows(calls), status)


async def fail_orphans(db: Database) -> list[UUID]:
    """Fail the turns whose process has died; returns their sessions."""
    return [row["session_id"] for row in await db.run(FAIL_ORPHANS, TurnInterrupted.type())]
