import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from backend.chat import turns
from backend.chat.presence import Bell, Presence
from backend.chat.turns import (
    Accepted,
    Asked,
    Closing,
    KeyReused,
    Known,
    SessionBusy,
    SummaryRule,
    Turn,
    TurnInterrupted,
)
from backend.database import Database, StorageUnavailable
from backend.errors import NotFound, Problem
from backend.jobs import Jobs
from backend.llm import Completion, Llm, NoProviderAnswered, Purpose, Show
from backend.llm.offline import PROVIDER, offline_answer
from backend.llm.tokens import count_tokens
from backend.memory import ASK_AGAIN_SECONDS, Found, Line, Memory, Past, Window

log = structlog.get_logger(__name__)

T = TypeVar("T")

TURNS = Counter("llmbot_turns", "Turns by how they ended", ["outcome"])
SECONDS = Histogram("llmbot_turn_seconds", "From a message to its answer")

# Who waits for an earlier turn is woken when it ends; this often, in seconds, he looks for himself.
LOOK_AGAIN_SECONDS = 1.0
# An answer is worth waiting for a database that is just being restarted.
RECORD_PATIENCE_SECONDS, RECORD_PAUSE_SECONDS = 15.0, 0.3
CLOSE_PATIENCE_SECONDS = 5.0


class AnswerForgotten(NotFound):
    """This message was answered, but the answer has been deleted since."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it was recorded."""

    text: str
    session_id: UUID
    turn_id: UUID
    model: str


class Chat:
    """Carries each turn from a message to its recorded answer."""

    def __init__(self, db: Database, llm: Llm, memory: Memory, jobs: Jobs, *, turn_wait: float) -> None:
        """`turn_wait`, in seconds, is how long a message waits for the answers to earlier ones."""
        self._db = db
        self._llm = llm
        self._memory = memory
        self._jobs = jobs
        self._turn_wait = turn_wait
        self._bell = Bell()
        self._presence = Presence(db, self._bell)
        self._detached: set[asyncio.Task[Reply]] = set()

    async def open(self) -> None:
        await self._presence.open()

    async def close(self) -> None:
        """Lets streamed turns whose client has gone come to their end, for a while."""
        if self._detached:
            await asyncio.wait(self._detached, timeout=CLOSE_PATIENCE_SECONDS)
        await self._presence.close()

    async def take_turn(self, asked: Asked, *, show: Show | None = None) -> Reply:
        """Answer a message; a repeated key gets the first answer. With `show`, pieces are shown as they are written.

        Raises `BotNotFound`, `KeyReused`, `SessionBusy`, `TurnInterrupted`, `NoProviderAnswered`, `AnswerForgotten`
        or `StorageUnavailable`; after any of the last five the same key may be asked again.
        """
        with SECONDS.time():
            try:
                reply = await self._take_turn(asked, show)
            except asyncio.CancelledError:  # the process is being stopped, and its grace is over
                raise TurnInterrupted from None
            except Problem as problem:
                TURNS.labels(problem.type().rpartition("/")[2]).inc()
                raise
        TURNS.labels("answered").inc()
        return reply

    async def stream_turn(self, asked: Asked) -> AsyncIterator[str | Reply]:
        """The pieces of the answer, then the reply. Raises as `take_turn`.

        The turn is a task of its own: when the client goes away, it is answered and recorded all the same.
        """
        pieces: asyncio.Queue[str | None] = asyncio.Queue()
        turn = asyncio.create_task(self.take_turn(asked, show=pieces.put_nowait))  # noqa: TID251 - see above
        self._detached.add(turn)
        turn.add_done_callback(lambda _: pieces.put_nowait(None))
        turn.add_done_callback(self._let_go)
        while (piece := await pieces.get()) is not None:
            yield piece
        yield await turn

    def _let_go(self, turn: asyncio.Task[Reply]) -> None:
        self._detached.discard(turn)
        if not turn.cancelled() and (error := turn.exception()) and not isinstance(error, Problem):
            log.error("streamed_turn_failed", exc_info=error)

    async def _take_turn(self, asked: Asked, show: Show | None) -> Reply:
        deadline = time.monotonic() + self._turn_wait
        accepting = turns.accept(
            self._db,
            asked,
            self._memory.promise("user", asked.text),
            owner=self._presence.owner,
            most_lines=self._memory.most_lines,
        )
        taken = await self._claim(accepting) or await self._take_again(asked, deadline)
        if isinstance(taken, Reply):
            if show:
                show(taken.text)
            return taken
        try:
            return await self._carry_out(taken, asked, deadline, show)
        except TurnInterrupted:
            raise  # somebody else has this turn now
        except Exception as error:
            await self._fail(taken.turn, error if isinstance(error, Problem) else TurnInterrupted())
            raise

    async def _carry_out(self, accepted: Accepted, asked: Asked, deadline: float, show: Show | None) -> Reply:
        """From an accepted turn to its recorded answer; it may first have to wait."""
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
        return Reply(closing.text, turn.session_id, turn.id, closing.model)

    async def _take_again(self, asked: Asked, deadline: float) -> Reply | Accepted:
        """A known key: the recorded answer, the one that is being written, or another attempt at a failed one."""
        while True:
            found = await self._end_of(asked, deadline)
            if found.status == "answered":
                return _recorded(found)
            if turn := await self._claim(turns.reopen(self._db, found, owner=self._presence.owner)):
                return Accepted(turn, past=None)

    async def _claim(self, claiming: Awaitable[T]) -> T:
        """Write a turn as ours. If nobody can say whether it was written, it is nobody's: we would never end it."""
        try:
            return await claiming
        except StorageUnavailable:
            self._presence.renew()
            raise

    async def _end_of(self, asked: Asked, deadline: float) -> Known:
        """The turn of a known key, once its present attempt has ended."""
        found = await self._known(asked)
        with self._bell.listening(found.turn.session_id) as rung:
            while found.status in ("waiting", "open"):
                await self._until_rung(rung, deadline)
                found = await self._known(asked)
        return found

    async def _known(self, asked: Asked) -> Known:
        assert asked.key
        found = await turns.find(self._db, asked.key)
        if found is None:  # deleted at this very moment
            raise TurnInterrupted
        if found.question not in (None, asked.text):
            raise KeyReused
        return found

    async def _wait_for(self, turn: Turn, deadline: float) -> Past:
        """Wait until all earlier turns of the session have ended, and open this one; the past as it is then."""
        with self._bell.listening(turn.session_id) as rung:
            while not await turns.open_turn(self._db, turn):
                await self._until_rung(rung, deadline)
        return await self._memory.recall(turn.session_id, before=turn.position)

    async def _until_rung(self, rung: asyncio.Event, deadline: float) -> None:
        """Until something ended in the session, or it is time to look. Raises `SessionBusy` after the deadline."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise SessionBusy
        try:
            await asyncio.wait_for(rung.wait(), min(left, LOOK_AGAIN_SECONDS))
        except TimeoutError:
            await self.sweep()
        rung.clear()

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

    async def _fail(self, turn: Turn, problem: Problem) -> None:
        """An attempt has ended without an answer: nobody should wait for it."""
        calls = problem.calls if isinstance(problem, NoProviderAnswered) else ()
        try:
            await _insist(lambda: turns.fail_turn(self._db, turn, problem.type(), calls))
        except StorageUnavailable:
            self._presence.renew()
        self._bell.ring(turn.session_id)

    async def sweep(self) -> None:
        """Fail the turns whose process has died, so that they may be asked again and nobody waits for them."""
        for session_id in await turns.fail_orphans(self._db):
            log.warning("turn_orphaned", session_id=str(session_id))
            self._bell.ring(session_id)


def _is_all(accepted: Accepted, past: Past, window: Window) -> bool:
    """Whether the window holds everything that memory does."""
    return not (accepted.remembers_more or past.summary or window.dropped)


def _quotable(found: Found | None) -> list[str]:
    """What people said and documents say; what was said without a model tells nothing."""
    if not found or found.strength == "none":
        return []
    return [passage.content for passage in found.passages if passage.role != "assistant"]


def _recorded(again: Known) -> Reply:
    if again.answer is None:
        raise AnswerForgotten
    return Reply(again.answer, again.turn.session_id, again.turn.id, again.model or "")


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
