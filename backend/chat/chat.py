import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from backend.chat import turns
from backend.chat.answering import Answering
from backend.chat.presence import Bell
from backend.chat.turns import Accepted, Asked, KeyReused, Known, TurnInterrupted
from backend.database import Database, StorageUnavailable
from backend.errors import NotFound, Problem
from backend.jobs import Jobs
from backend.llm import Llm, Show
from backend.memory import Memory

log = structlog.get_logger(__name__)

T = TypeVar("T")

TURNS = Counter("llmbot_turns", "Turns by how they ended", ["outcome"])
SECONDS = Histogram("llmbot_turn_seconds", "From a message to its answer")

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
        self._memory = memory
        self._turn_wait = turn_wait
        self._bell = Bell()
        self._answering = Answering(db, llm, memory, jobs, self._bell)
        self._presence = self._answering.presence
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
            closing = await self._answering.carry_out(taken, asked, deadline, show)
        except TurnInterrupted:
            raise  # somebody else has this turn now
        except Exception as error:
            await self._answering.fail(taken.turn, error if isinstance(error, Problem) else TurnInterrupted())
            raise
        return Reply(closing.text, taken.turn.session_id, taken.turn.id, closing.model)

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
                await self._answering.until_rung(rung, deadline)
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

    async def sweep(self) -> None:
        """Fail the turns whose process has died, so that they may be asked again and nobody waits for them."""
        await self._answering.sweep()


def _recorded(again: Known) -> Reply:
    if again.answer is None:
        raise AnswerForgotten
    return Reply(again.answer, again.turn.session_id, again.turn.id, again.model or "")
