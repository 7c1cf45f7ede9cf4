"""From an accepted turn to its recorded end: it waits, is shown what memory holds, is answered, and is closed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from backend.chat import turns
from backend.chat.presence import Bell, Presence
from backend.chat.turns import Accepted, Asked, Closing, SessionBusy, SummaryRule, Turn
from backend.database import Database, StorageUnavailable
from backend.errors import Problem
from backend.jobs import Jobs
from backend.llm import Completion, Llm, NoProviderAnswered, Purpose, Show
from backend.llm.offline import PROVIDER, offline_answer
from backend.llm.tokens import count_tokens
from backend.memory import ASK_AGAIN_SECONDS, Found, Line, Memory, Past, Window

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Who waits for an earlier turn is woken when it ends; this often, in seconds, he looks for himself.
LOOK_AGAIN_SECONDS = 1.0
# An answer is worth waiting for a database that is just being restarted.
RECORD_PATIENCE_SECONDS, RECORD_PAUSE_SECONDS = 15.0, 0.3


class Answering:
    """Carries accepted turns out. `deadlines` are moments of `time.monotonic`."""

    def __init__(self, db: Database, llm: Llm, memory: Memory, jobs: Jobs, bell: Bell) -> None:
        self._db = db
        self._llm = llm
        self._memory = memory
        self._jobs = jobs
        self._bell = bell
        self.presence = Presence(db, bell)

    async def carry_out(self, accepted: Accepted, asked: Asked, deadline: float, show: Show | None) -> Closing:
        """What was recorded as the turn's answer. Raises `SessionBusy`, `TurnInterrupted` or `NoProviderAnswered`."""
        began, turn = time.monotonic(), accepted.turn
        past = accepted.past or await self._wait_for(turn, deadline)
        window, found = await self._recall(accepted, past, asked)
        completion = await self._answer(window, found, asked, show)
        closing = Closing(
            text=completion.text,
            tokens=count_tokens(completion.text),
            model=f"{completion.provider}:{completion.model}",
            milliseconds=round((time.monotonic() - began) * 1000),
            window_tokens=window.tokens,
            summary_version=past.summary.version if past.summary else None,
            calls=completion.calls,
            promise=self._memory.promise("assistant", completion.text),
            recalled=found.record() if found else None,
        )
        await self._record(turn, closing, window)
        return closing

    async def fail(self, turn: Turn, problem: Problem) -> None:
        """An attempt has ended without an answer: nobody should wait for it."""
        calls = problem.calls if isinstance(problem, NoProviderAnswered) else ()
        try:
            await _insist(lambda: turns.fail_turn(self._db, turn, problem.type(), calls))
        except StorageUnavailable:
            self.presence.renew()
        self._bell.ring(turn.session_id)

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
            self._bell.ring(session_id)

    async def _wait_for(self, turn: Turn, deadline: float) -> Past:
        """Wait until all earlier turns of the session have ended, and open this one; the past as it is then."""
        with self._bell.listening(turn.session_id) as rung:
            while not await turns.open_turn(self._db, turn):
                await self.until_rung(rung, deadline)
        return await self._memory.recall(turn.session_id, before=turn.position)

    async def _recall(self, accepted: Accepted, past: Past, asked: Asked) -> tuple[Window, Found | None]:
        """What the model is shown, with what memory holds beside it; None if it could hold nothing else."""
        turn, question = accepted.turn, Line("user", asked.text, asked.tokens)
        window = self._memory.window(turn.persona, past, question)
        if window.dropped:
            log.warning("window_dropped_messages", session_id=str(turn.session_id), dropped=window.dropped)
        if not self._memory.remembers or (self._has_model and _is_all(accepted, past, window)):
            return window, None
        # Without a model nobody is shown the window: whatever was said before is looked for.
        shown = past.positions[window.dropped :] if self._has_model else ()
        since = shown[0] if shown else turn.position
        found = await self._memory.find(asked.text, turn.scopes, not_in=(turn.session_id, since))
        return self._memory.window(turn.persona, past, question, found), found

    @property
    def _has_model(self) -> bool:
        return bool(self._llm.chain(Purpose.CHAT))

    async def _answer(self, window: Window, found: Found | None, asked: Asked, show: Show | None) -> Completion:
        if self._has_model:
            return await self._llm.complete(Purpose.CHAT, window.messages, show=show)
        text = offline_answer(_quotable(found), language=asked.language, question=asked.text)
        if show:
            show(text)
        return Completion(text, PROVIDER, PROVIDER)

    async def _record(self, turn: Turn, closing: Closing, window: Window) -> None:
        rule = SummaryRule(self._memory.summary_threshold, self._memory.is_full(window), ASK_AGAIN_SECONDS)
        summary_due = await _insist(lambda: turns.close_turn(self._db, turn, closing, rule))
        self._bell.ring(turn.session_id)
        if summary_due:
            self._jobs.summarize_session(turn.session_id)
        if self._memory.remembers:
            self._jobs.index()


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
