import asyncio
import time
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import structlog

from backend.agents import confirming, grants, runs
from backend.agents.confirming import Answer, ConfirmationNotFound, ConfirmationOver
from backend.agents.runs import RunNotFound, RunOver
from backend.agents.settling import After, PromiseOf
from backend.database import Database, Page, Record
from backend.jobs import Jobs

log = structlog.get_logger(__name__)

# Who waits for a run looks so often, in seconds, whether it has changed.
LOOK_AGAIN_SECONDS = 0.5


class Agents:
    """Runs as everybody sees them: what is under way, what is asked, and what is to be stopped.

    Whatever is answered here is carried on by the worker. A `user_id` of None stands for an operator. Everything raises
    `StorageUnavailable`.
    """

    def __init__(self, db: Database, jobs: Jobs, promise: PromiseOf) -> None:
        """`promise` tells what is stored with a run's last words, so that memory finds them."""
        self._db = db
        self._jobs = jobs
        self._promise = promise

    async def runs(self, wanted: runs.WantedRuns, *, after: tuple[datetime, UUID] | None, limit: int) -> Page:
        """Newest first, before the moment and id `after`."""
        return await runs.list_runs(self._db, wanted, after=after, limit=limit)

    async def run(self, id: UUID) -> Record:
        """With its `steps`, `confirmations`, `files` and `version`. Raises `RunNotFound`."""
        return await runs.get_run(self._db, id)

    async def wait(self, id: UUID, version: str | None, seconds: float) -> Record:
        """As `run`, once its version is another one or the time is over. Raises `RunNotFound`."""
        deadline = time.monotonic() + seconds
        run = await self.run(id)
        while run["version"] == version and (left := deadline - time.monotonic()) > 0:
            await asyncio.sleep(min(left, LOOK_AGAIN_SECONDS))
            run = await self.run(id)
        return run

    async def file(self, id: UUID, file_id: int) -> Record:
        """A run's file with its content. Raises `FileNotFound`."""
        return await runs.get_file(self._db, id, file_id)

    async def cancel(self, id: UUID, user_id: str | None) -> Record:
        """Stop a run, at once. Raises `RunNotFound`, also for another person's, or `RunOver`."""
        self._ring(await runs.cancel(self._db, id, user_id, self._promise))
        return await self.run(id)

    async def skip(self, id: UUID, position: int, user_id: str | None) -> Record:
        """Leave a step out, and what needs it. Raises as `cancel`, and `StepNotFound` or `StepOver`."""
        self._ring(await runs.skip(self._db, id, position, user_id, self._promise))
        return await self.run(id)

    async def stop(self, bot: str, chat_id: str, user_id: str, thread_id: str) -> int:
        """Stop whatever is under way for a person in a chat; how many runs that is."""
        stopped = 0
        for id in await runs.unfinished_in(self._db, bot, chat_id, user_id, thread_id):
            with suppress(RunOver, RunNotFound):  # it came to its end at this very moment
                self._ring(await runs.cancel(self._db, id, user_id, self._promise))
                stopped += 1
        return stopped

    async def confirmations(self, wanted: confirming.WantedConfirmations, *, after: int | None, limit: int) -> Page:
        """Newest first, before the id `after`."""
        return await confirming.list_confirmations(self._db, wanted, after=after, limit=limit)

    async def confirmation(self, id: int) -> Record:
        """Raises `ConfirmationNotFound`."""
        return await confirming.get_confirmation(self._db, id)

    async def confirm(self, id: int, user_id: str | None, *, always: bool = False, via: str = "api") -> Record:
        """Let an action be done, once; with `always` also others of its kind, for a day, in this chat.

        Raises `ConfirmationNotFound`, `NotYours` or, with its `state`, `ConfirmationOver`.
        """
        return await self._answer(id, Answer("confirmed", user_id, always, via))

    async def cancel_confirmation(self, id: int, user_id: str | None, *, via: str = "api") -> Record:
        """An action is not to be done, which ends its step. Raises as `confirm`."""
        return await self._answer(id, Answer("cancelled", user_id, via=via))

    async def _answer(self, id: int, given: Answer) -> Record:
        self._ring(await confirming.answer(self._db, id, given, self._promise))
        return await self.confirmation(id)

    async def grants(
        self, bot: str | None, user_id: str | None, chat_id: str | None, *, after: int | None, limit: int
    ) -> Page:
        """What holds now, newest first."""
        return await grants.list_grants(self._db, bot, user_id, chat_id, after=after, limit=limit)

    async def revoke(self, id: int, user_id: str | None) -> None:
        """Raises `GrantNotFound`, also for another person's."""
        await grants.revoke(self._db, id, user_id)

    async def calls(
        self, run_id: UUID | None, user_id: str | None, bot: str | None, *, after: int | None, limit: int
    ) -> Page:
        """What skills were asked to do, newest first, before the id `after`."""
        return await runs.list_calls(self._db, run_id, user_id, bot, after=after, limit=limit)

    async def sweep(self) -> None:
        """Expire what nobody answered, end what was stopped behind our back, and call for what nobody takes up."""
        for id in await confirming.overdue(self._db):
            with suppress(ConfirmationOver, ConfirmationNotFound):  # somebody else was faster
                self._ring(await confirming.answer(self._db, id, Answer("expired"), self._promise))
        await runs.settle_over(self._db, self._promise)
        for queue, step_id in await runs.overdue(self._db):
            log.info("step_overdue", step_id=str(step_id))
            self._jobs.advance(queue, step_id)
        await grants.tidy(self._db)

    def _ring(self, after: After) -> None:
        after.ring(self._jobs)
