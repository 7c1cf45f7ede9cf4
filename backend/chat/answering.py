"""From an accepted turn to its recorded end: it waits, is shown what memory holds, is answered, and is closed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from backend.agents.ordering import TooManyRuns, due
from backend.chat import turns
from backend.chat.interruptions import Interruptible, Interruptions
from backend.chat.presence import CHANNEL, INTERRUPTED, Bell, Presence
from backend.chat.turns import Accepted, Asked, Closing, SessionBusy, SummaryRule, Turn, TurnInterrupted
from backend.database import Database, StorageUnavailable
from backend.errors import Problem
from backend.gateway import Draft, Gateway, Question
from backend.jobs import Jobs
from backend.llm import Completion, NoProviderAnswered, Show
from backend.llm.calls import record_calls
from backend.llm.offline import PROVIDER, offline_answer
from backend.llm.tokens import count_tokens
from backend.memory import ASK_AGAIN_SECONDS, Found, Line, Memory, Past, Window, said_by

log = structlog.get_logger(__name__)

T = TypeVar("T")

TURNS = Counter("llmbot_turns", "Turns by how they ended", ["outcome"])
SECONDS = Histogram("llmbot_turn_seconds", "From a message to its answer")

# Who waits for an earlier turn is woken when it ends; this often, in seconds, he looks for himself.
LOOK_AGAIN_SECONDS = 1.0
# An answer is worth waiting for a database that is just being restarted.
RECORD_PATIENCE_SECONDS, RECORD_PAUSE_SECONDS = 15.0, 0.3


class Answering:
    """Carries accepted turns out. `deadline`, a moment of `time.monotonic`, is when a turn has waited long enough."""

    def __init__(self, db: Database, gateway: Gateway, memory: Memory, jobs: Jobs, *, at_once: int) -> None:
        """So many turns of a bot that deliver are carried out at once, unless the bot says otherwise."""
        self._db = db
        self._gateway = gateway
        self._memory = memory
        self._jobs = jobs
        self._at_once = at_once
        self._places: dict[tuple[UUID, int], asyncio.Semaphore] = {}
        self._interruptions = Interruptions(db)
        self.bell = Bell()
        self.presence = Presence(db, {CHANNEL: self.bell.ring, INTERRUPTED: self._interruptions.notice})

    async def open(self) -> None:
        await self.presence.open()
        await self._interruptions.open()

    async def close(self) -> None:
        await self._interruptions.close()
        await self.presence.close()

    async def carry_out(self, accepted: Accepted, asked: Asked, deadline: float, show: Show | None) -> Closing:
        """What was recorded as the turn's answer; if it was stopped, that is what was written by then.

        Raises `SessionBusy`, `TurnInterrupted`, `NoProviderAnswered` or `StorageUnavailable`.
        """
        turn, draft, interruptible = accepted.turn, Draft(show), Interruptible(accepted.turn)
        try:
            async with interruptible.scope:
                with self._interruptions.watching(interruptible):
                    closing, window = await self._write(accepted, asked, deadline, draft)
        except TimeoutError:
            if not interruptible.scope.expired():
                raise
            if not interruptible.stopped:
                await self._account_for(turn, draft)
                raise TurnInterrupted from None
            return await self._stop(turn, draft)
        try:
            closing = await self._close(turn, closing, asked, draft, self._memory.is_full(window))
        except TurnInterrupted:
            if closing.ordered and await turns.is_stopping(self._db, turn):
                return await self._stop(turn, draft)
            raise
        draft.show_words()
        return closing

    async def _close(self, turn: Turn, closing: Closing, asked: Asked, draft: Draft, window_full: bool) -> Closing:
        """Record it, without the run if the person has too many."""
        try:
            await self._record(turn, closing, window_full)
        except TooManyRuns as many:
            self._gateway.refuse(draft, many.runs, language=asked.language, message=asked.text)
            promise, tokens = self._memory.promise("assistant", draft.text), count_tokens(draft.text)
            closing = replace(closing, text=draft.text, tokens=tokens, promise=promise, route=draft.route, ordered=None)
            await self._record(turn, closing, window_full)
        return closing

    async def _write(self, accepted: Accepted, asked: Asked, deadline: float, draft: Draft) -> tuple[Closing, Window]:
        past = accepted.past or await self._wait_for(accepted.turn, asked, deadline)
        if not accepted.turn.delivers:
            return await self._compose(accepted, past, asked, draft)
        async with self._place(accepted):
            return await self._compose(accepted, past, asked, draft)

    def _place(self, accepted: Accepted) -> asyncio.Semaphore:
        """One of those that the bot has here: taken by open turns only, so that none waits for a later one."""
        bot, limit = accepted.turn.scopes[1], accepted.at_once or self._at_once
        return self._places.setdefault((bot, limit), asyncio.Semaphore(limit))

    async def _compose(self, accepted: Accepted, past: Past, asked: Asked, draft: Draft) -> tuple[Closing, Window]:
        window, found = await self._recall(accepted, past, asked)
        turn = accepted.turn
        if self._gateway.has_model(turn.llm_chain):
            who = asked.bot, asked.user_id, asked.language, turn.scopes[0]
            question = Question(*who, asked.text, past, window.messages, turn.llm_chain)
            completion = await self._gateway.answer(question, draft)
        else:
            completion = _answer_offline(found, asked, draft)
        closing = Closing(
            text=completion.text,
            tokens=count_tokens(completion.text),
            model=f"{completion.provider}:{completion.model}",
            milliseconds=draft.milliseconds(),
            promise=self._memory.promise("assistant", completion.text),
            window_tokens=window.tokens,
            summary_version=past.summary.version if past.summary else None,
            calls=completion.calls,
            recalled=found.record() if found else None,
            route=draft.route,
            ordered=draft.ordered,
        )
        return closing, window

    async def _stop(self, turn: Turn, draft: Draft) -> Closing:
        """What people have seen is the answer; if that is nothing, there is none."""
        text = "".join(draft.shown)
        closing = Closing(
            text=text,
            tokens=count_tokens(text),
            model=":".join((draft.calls[-1].provider, draft.calls[-1].model)) if draft.calls else "",
            milliseconds=draft.milliseconds(),
            promise=self._memory.promise("assistant", text),
            calls=tuple(draft.calls),
            status="stopped",
            route=draft.route,
        )
        if text:
            await self._record(turn, closing, window_full=False)
        else:
            await _insist(lambda: turns.stop_turn(self._db, turn, closing.calls))
            self.bell.ring(turn.session_id)
        return closing

    async def _account_for(self, turn: Turn, draft: Draft) -> None:
        """What an answer has cost that nobody gets: somebody else has the turn now."""
        with suppress(StorageUnavailable):
            async with self._db.begin() as tx:
                await record_calls(tx, turn.session_id, draft.calls)

    async def fail(self, turn: Turn, problem: Problem) -> None:
        """An attempt has ended without an answer: nobody should wait for it."""
        calls = problem.calls if isinstance(problem, NoProviderAnswered) else ()
        try:
            await _insist(lambda: turns.fail_turn(self._db, turn, problem.type(), calls))
        except StorageUnavailable:
            self.presence.renew()
        self.bell.ring(turn.session_id)

    async def until_rung(self, rung: asyncio.Event, deadline: float) -> None:
        """Until something ended in the session, or it is time to look. Raises `SessionBusy` after the deadline."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise SessionBusy
        try:
            await asyncio.wait_for(rung.wait(), min(left, LOOK_AGAIN_SECONDS))
        except TimeoutError:
            await self.sweep()
        rung.clear()

    async def sweep(self) -> None:
        """Fail the turns whose process has died, so that they may be asked again and nobody waits for them."""
        for session_id in await turns.fail_orphans(self._db):
            log.warning("turn_orphaned", session_id=str(session_id))
            self.bell.ring(session_id)

    async def _wait_for(self, turn: Turn, asked: Asked, deadline: float) -> Past:
        """Wait until all earlier turns of the session have ended, and open this one; the past as it is then."""
        with self.bell.listening(turn.session_id) as rung:
            while not await turns.open_turn(self._db, turn):
                await self.until_rung(rung, deadline)
        return await self._memory.recall(turn.session_id, before=turn.position, in_group=asked.in_group)

    async def _recall(self, accepted: Accepted, past: Past, asked: Asked) -> tuple[Window, Found | None]:
        """What the model is shown, with what memory holds beside it; None if it could hold nothing else."""
        turn, question = accepted.turn, Line("user", asked.text, asked.tokens)
        if asked.in_group:
            question = said_by(asked.user_name, question)
        window = self._memory.window(turn.persona, past, question)
        if window.dropped:
            log.warning("window_dropped_messages", session_id=str(turn.session_id), dropped=window.dropped)
        has_model = self._gateway.has_model(turn.llm_chain)
        if not self._memory.remembers or (has_model and _is_all(accepted, past, window)):
            return window, None
        # Without a model nobody is shown the window: whatever was said before is looked for.
        shown = past.positions[window.dropped :] if has_model else ()
        since = shown[0] if shown else turn.position
        not_in = turn.session_id, since
        found = await self._memory.find(asked.text, turn.scopes, not_in=not_in, known=accepted.memory)
        return self._memory.window(turn.persona, past, question, found), found

    async def _record(self, turn: Turn, closing: Closing, window_full: bool) -> None:
        rule = SummaryRule(self._memory.summary_threshold, window_full, ASK_AGAIN_SECONDS)
        summary_due = await _insist(lambda: turns.close_turn(self._db, turn, closing, rule))
        self.bell.ring(turn.session_id)
        for queue, step_id in due(closing.ordered) if closing.ordered else ():
            self._jobs.advance(queue, step_id)
        if summary_due:
            self._jobs.summarize_session(turn.session_id)
        self.index()

    def index(self) -> None:
        """Something was said, or changed."""
        if self._memory.remembers:
            self._jobs.index()


def count_end(problem: Problem | None = None) -> None:
    """Count a turn by how it ended; without a problem it was answered."""
    TURNS.labels(problem.type().rpartition("/")[2] if problem else "answered").inc()


def _answer_offline(found: Found | None, asked: Asked, draft: Draft) -> Completion:
    text = offline_answer(_quotable(found), language=asked.language, question=asked.text)
    if show := draft.showing():
        show(text)
    return Completion(text, PROVIDER, PROVIDER)


def _is_all(accepted: Accepted, past: Past, window: Window) -> bool:
    """Whether the window holds everything that memory does."""
    return not (accepted.remembers_more or past.summary or window.dropped)


def _quotable(found: Found | None) -> list[str]:
    """What people said and documents say; what was said without a model tells nothing."""
    if not found or found.strength == "none":
        return []
    return [passage.content for passage in found.passages if passage.role != "assistant"]


async def _insist(record: Callable[[], Awaitable[T]]) -> T:
    """Record what has happened, also when the database is being restarted at this moment."""
    deadline = time.monotonic() + RECORD_PATIENCE_SECONDS
    while True:
        try:
            return await record()
        except StorageUnavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(RECORD_PAUSE_SECONDS)
