import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import structlog

from backend.chat import interrupting, moving, sessions, turns
from backend.chat.answering import SECONDS, Answering, count_end
from backend.chat.cards import Told
from backend.chat.claims import Claims
from backend.chat.deliveries import Deliveries
from backend.chat.delivering import Delivering, LeftToHuman, Merged, Restarted, Underway
from backend.chat.interrupting import Place
from backend.chat.taking_over import is_left_to_human, promise_of_answer
from backend.chat.turns import Accepted, Asked, Closing, KeyReused, Known, Turn, TurnInterrupted
from backend.database import Database
from backend.errors import NotFound, Problem
from backend.gateway import Gateway, Outcome
from backend.jobs import Jobs
from backend.llm import Show
from backend.memory import Memory

log = structlog.get_logger(__name__)

CLOSE_PATIENCE_SECONDS = 5.0


class AnswerForgotten(NotFound):
    """This message was answered, but the answer has been deleted since."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it was recorded.

    Its `type` is `message`, `run` (which begins now, and has `run_id`), or `notice`: words of the backend's own.
    """

    text: str
    session_id: UUID
    turn_id: UUID
    model: str
    type: str = "message"
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """How long a message waits for the answers to earlier ones, and how many turns of a bot are carried out at once.

    The latter holds in each process, for turns that deliver, and for bots that do not say otherwise.
    """

    wait_seconds: float
    at_once: int


class Chat:
    """Carries each turn from a message to its recorded answer."""

    def __init__(self, db: Database, gateway: Gateway, memory: Memory, jobs: Jobs, limits: TurnLimits) -> None:
        self._db = db
        self._turn_wait = limits.wait_seconds
        self._answering = Answering(db, gateway, memory, jobs, at_once=limits.at_once)
        self._claims = Claims(db, memory, self._answering.presence)
        self.deliveries = Deliveries(db)
        self._delivering = Delivering(db, self._answering, self._claims, self.deliveries)
        self._detached: set[asyncio.Task[Reply]] = set()

    async def open(self) -> None:
        await self._answering.open()
        await self._delivering.open()

    async def dismiss(self) -> None:
        """Whoever waits for deliveries, or for what will be one, has to ask again, and another process."""
        self.deliveries.close()
        await self._delivering.close()

    async def close(self) -> None:
        """Turns that deliver are left to others; streamed ones whose client has gone come to their end, for a while."""
        await self.dismiss()
        if self._detached:
            await asyncio.wait(self._detached, timeout=CLOSE_PATIENCE_SECONDS)
        await self._answering.close()

    async def find(self, asked: Asked) -> Underway | None:
        """The turn of a message that came before, by its key. Raises `KeyReused`."""
        return await self._delivering.find(asked)

    async def accept(self, asked: Asked) -> Underway:
        """Store a message whose answer will be delivered; from then on it may be relied on.

        Raises `BotNotFound`, `KeyReused`, `TurnInterrupted` or `StorageUnavailable`; after the last two the same key
        may be asked again. With a known key it is the turn of the first time.
        """
        return await self._delivering.accept(asked)

    def follow(self, underway: Underway) -> AsyncIterator["str | Restarted | Merged | LeftToHuman | Told"]:
        """The pieces of the answer, if it is written here, then what has become of it: its delivery, mostly.

        Who stops listening misses nothing that is not delivered later. Raises `TurnInterrupted` if the turn is deleted
        meanwhile, or `StorageUnavailable`.
        """
        return self._delivering.follow(underway)

    async def stop(self, place: Place) -> int:
        """End what is being written for a person, and what waits; how many turns that is.

        It ends within a moment, in whichever process it is written: what people have seen by then is the answer.
        """
        return await interrupting.stop(self._db, place)

    async def edit(self, key: UUID, text: str) -> bool:
        """Correct a message; what is to be delivered and is not yet answered is answered anew. False: there is none."""
        corrected = await self._delivering.edit(key, text)
        self._answering.index()
        return corrected

    async def move(self, bot: str, chat_id: str, to: str) -> int:
        """A group goes on under another id, with all that is remembered of it; how many sessions that are.

        Safe to repeat. Raises `BotNotFound`.
        """
        moved = await moving.move_chat(self._db, bot, chat_id, to)
        self._answering.index()
        return len(moved)

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
                count_end(problem)
                raise
        count_end()
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
        taken = await self._claims.accept(asked) or await self._take_again(asked, deadline)
        if isinstance(taken, Reply):
            if show:
                show(taken.text)
            return taken
        if taken.left_to_human:
            self._answering.index()
            return _left_to_human(taken.turn, asked)
        try:
            closing = await self._answering.carry_out(taken, asked, deadline, show)
        except TurnInterrupted:  # somebody else has this turn now
            if await is_left_to_human(self._db, taken.turn.id):
                return _left_to_human(taken.turn, asked)
            raise
        except Exception as error:
            await self._answering.fail(taken.turn, error if isinstance(error, Problem) else TurnInterrupted())
            raise
        return _told(closing, taken.turn)

    async def _take_again(self, asked: Asked, deadline: float) -> Reply | Accepted:
        """A known key: the recorded answer, the one that is being written, or another attempt at a failed one."""
        while True:
            found = await self._end_of(asked, deadline)
            if found.status in ("answered", "stopped"):
                return _recorded(found)
            if found.status == "human":
                return _left_to_human(found.turn, asked)
            if reopened := await self._claims.reopen(found):
                return reopened

    async def _end_of(self, asked: Asked, deadline: float) -> Known:
        """The turn of a known key, once its present attempt has ended."""
        found = await self._known(asked)
        with self._answering.bell.listening(found.turn.session_id) as rung:
            while found.status in ("waiting", "open"):
                await self._answering.until_rung(rung, deadline)
                found = await self._known(asked)
        return found

    async def _known(self, asked: Asked) -> Known:
        assert asked.key
        found = await turns.find(self._db, asked.key)
        if found is None:  # deleted at this very moment
            raise TurnInterrupted
        if found.turn.delivers or found.question not in (None, asked.text):
            raise KeyReused
        return found

    async def sweep(self) -> None:
        """Fail the turns whose process has died, so that they may be asked again; delete what is to be forgotten."""
        await self._answering.sweep()
        await sessions.forget_due(self._db)


def _recorded(again: Known) -> Reply:
    if again.answer is None and again.status != "stopped":
        raise AnswerForgotten
    text, turn, type = again.answer or "", again.turn, _type(again.run_id, again.outcome)
    return Reply(text, turn.session_id, turn.id, again.model or "", type, again.run_id)


def _left_to_human(turn: Turn, asked: Asked) -> Reply:
    return Reply(promise_of_answer(asked.language), turn.session_id, turn.id, "", "notice")


def _told(closing: Closing, turn: Turn) -> Reply:
    run_id = closing.ordered.id if closing.ordered else None
    type = _type(run_id, closing.route.outcome if closing.route else None)
    return Reply(closing.text, turn.session_id, turn.id, closing.model, type, run_id)


def _type(run_id: UUID | None, outcome: str | None) -> str:
    if run_id:
        return "run"
    return "notice" if outcome == Outcome.TOO_MANY_RUNS else "message"
