"""Turns whose end is delivered: once such a message is accepted, it is answered, whatever happens to its process.

A turn is carried out by a task of its own. Who listens to it may go away; if the process goes, another one adopts it.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from backend.chat import adoption, turns
from backend.chat.answering import LOOK_AGAIN_SECONDS, SECONDS, Answering, count_end
from backend.chat.cards import Told
from backend.chat.claims import Claims
from backend.chat.deliveries import Deliveries
from backend.chat.turns import Accepted, Asked, KeyReused, TurnInterrupted
from backend.database import Database, StorageUnavailable
from backend.llm import NoProviderAnswered

log = structlog.get_logger(__name__)

# So often, in seconds, it is looked for turns that nobody carries out.
ADOPT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Underway:
    """An accepted turn, and the pieces of its answer while it is written here; None ends them."""

    turn_id: UUID
    session_id: UUID
    pieces: asyncio.Queue[str | None] | None


class Merged:
    """The answer to the person's next message answers this one too."""

    name = "merged"


class LeftToHuman:
    """An operator answers it, at some time."""

    name = "human"


class Restarted:
    """What was shown so far is no beginning of the answer: another attempt, elsewhere perhaps, writes it anew."""

    name = "restart"


class Delivering:
    """Carries out the turns that deliver: those of its own clients, and those that were left behind."""

    def __init__(self, db: Database, answering: Answering, claims: Claims, deliveries: Deliveries) -> None:
        self._db = db
        self._answering = answering
        self._claims = claims
        self._deliveries = deliveries
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def open(self) -> None:
        self._keep(self._adopt_for_ever())

    async def close(self) -> None:
        """What is not finished is left to others, and nobody listens to it here any more."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def accept(self, asked: Asked) -> Underway:
        """Store a message for good, and begin to answer it; if its key is known, that was done before."""
        if accepted := await self._claims.accept(asked):
            if accepted.left_to_human:
                self._answering.index()
                return Underway(accepted.turn.id, accepted.turn.session_id, None)
            pieces: asyncio.Queue[str | None] = asyncio.Queue()
            self._keep(self._carry_out(accepted, asked, pieces))
            return Underway(accepted.turn.id, accepted.turn.session_id, pieces)
        if known := await self.find(asked):
            return known
        raise TurnInterrupted  # it was deleted at this very moment

    async def find(self, asked: Asked) -> Underway | None:
        """The turn of a known key."""
        known = await turns.find(self._db, asked.key) if asked.key else None
        if known is None:
            return None
        if not known.turn.delivers:
            raise KeyReused
        return Underway(known.turn.id, known.turn.session_id, None)

    async def edit(self, key: UUID, text: str) -> bool:
        """Correct a message, and answer it anew unless it was answered; false if there is none."""
        corrected, anew = await self._claims.edit(key, text)
        if anew:
            self._keep(self._carry_out(*anew))
        return corrected

    async def follow(self, underway: Underway) -> AsyncIterator["str | Restarted | Merged | LeftToHuman | Told"]:
        """The pieces of the answer, as far as they are written here, then its end, unless this process ends before."""
        while underway.pieces and (piece := await underway.pieces.get()) is not None:
            yield piece
        with self._answering.bell.listening(underway.session_id) as rung:
            end = await self._end(underway.turn_id)
            if end is None and underway.pieces and not self._closing:
                yield Restarted()
            while (end := end or await self._end(underway.turn_id)) is None:
                if self._closing:
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(rung.wait(), LOOK_AGAIN_SECONDS)
                rung.clear()
        yield end

    async def _end(self, turn_id: UUID) -> "Told | Merged | LeftToHuman | None":
        row = await self._deliveries.of_turn(turn_id)
        if row is None:
            raise TurnInterrupted
        if row["status"] == "merged":
            return Merged()
        if row["status"] == "human":
            return LeftToHuman()
        return None if row["status"] in ("waiting", "open") else row

    async def _carry_out(
        self, accepted: Accepted, asked: Asked, pieces: asyncio.Queue[str | None] | None = None
    ) -> None:
        turn = accepted.turn
        try:
            with SECONDS.time():
                await self._answering.carry_out(accepted, asked, math.inf, pieces.put_nowait if pieces else None)
            count_end()
        except TurnInterrupted as lost:  # somebody else has this turn now
            count_end(lost)
        except NoProviderAnswered as problem:
            count_end(problem)
            await self._answering.fail(turn, problem)
        except Exception as error:  # whatever it was, the next attempt may do better
            if not isinstance(error, StorageUnavailable):
                log.error("turn_failed", turn_id=str(turn.id), attempt=turn.attempt, exc_info=error)
            await self._claims.give_up(turn)
        finally:
            if pieces:
                pieces.put_nowait(None)
            self._deliveries.ring()

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)  # noqa: TID251 - what it does is everybody's when this process ends
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _adopt_for_ever(self) -> None:
        while True:
            try:
                await self._adopt()
            except StorageUnavailable:
                pass  # others look as well, and so does this process in a moment
            except Exception as error:  # without adoption, what was promised would not be kept
                log.error("adoption_failed", exc_info=error)
            await asyncio.sleep(ADOPT_SECONDS)

    async def _adopt(self) -> None:
        """Take over what nobody carries out; what failed too often ends."""
        for accepted, asked in await self._claims.adopt():
            turn = accepted.turn
            log.warning("turn_adopted", turn_id=str(turn.id), attempt=turn.attempt)
            if turn.attempt > adoption.MOST_ATTEMPTS:
                await self._answering.fail(turn, TurnInterrupted())
                self._deliveries.ring()
            else:
                self._keep(self._carry_out(accepted, asked))
