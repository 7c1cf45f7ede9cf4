"""Looks after the house: how every part is, since when, and what went wrong last; one look serves all who watch."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version

import structlog

from backend.api.console.parts import Look, look_at_broker, look_at_memory, look_at_postgres
from backend.bootstrap import Backend
from backend.chat import figures
from backend.database import Record, StorageUnavailable
from backend.jobs import Post
from backend.llm import Purpose, spending
from backend.llm.catalog import names

log = structlog.get_logger(__name__)

# As often somebody looks while a page is open, and else, so that it is known since when something is as it is.
LOOK_SECONDS, ALONE_SECONDS = 2.0, 20.0
MOST_BOTS = 200


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it is now, since when, and what went wrong last."""

    look: Look
    since: datetime
    last_error: str = ""
    last_error_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What turns and models did: see `chat.figures` and `llm.spending`."""

    day: Record
    hour: Sequence[tuple[int, int]]
    unfinished: int
    models: Sequence[Record]
    bots: Sequence[Record]


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything, at one moment. Without the database there are no figures; without the broker, no queues."""

    at: datetime
    parts: Sequence[Part]
    chain: str
    post: Post | None
    figures: Figures | None


class Watch:
    """One for a process."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._began = datetime.now(UTC)
        self._known: dict[str, Part] = {}
        self._seen: Seen | None = None
        self._again = asyncio.Event()
        self._watchers: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def open(self) -> None:
        self._task = asyncio.create_task(self._watch())  # noqa: TID251 - it lives as long as the process

    async def close(self) -> None:
        """Whoever watches is told that nothing more comes."""
        self._closed = True
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._tell()

    async def look(self) -> Seen:
        """As it is now."""
        self._seen = await self._look()
        return self._seen

    async def follow(self) -> AsyncIterator[Seen]:
        """Every look from now on, as long as the process runs."""
        looked = asyncio.Event()
        self._watchers.add(looked)
        self._again.set()
        try:
            while not self._closed:
                await looked.wait()
                looked.clear()
                if self._seen and not self._closed:
                    yield self._seen
        finally:
            self._watchers.discard(looked)

    def look_again(self) -> None:
        """Something was changed here: whoever watches wants to see it."""
        self._again.set()

    async def _watch(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._again.wait(), LOOK_SECONDS if self._watchers else ALONE_SECONDS)
            self._again.clear()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - it goes on watching, whatever it has met
                log.warning("look_failed", error=type(error).__name__)
            self._tell()

    def _tell(self) -> None:
        for looked in self._watchers:
            looked.set()

    async def _look(self) -> Seen:
        postgres, (broker, worker, post), memory = await asyncio.gather(
            look_at_postgres(self._backend), look_at_broker(self._backend), look_at_memory(self._backend)
        )
        here = Look("backend", True, "part.backend", {"version": version("llm-bot-core")}, self._began)
        parts = self._compared([here, postgres, broker, worker, memory])
        chain = names(self._backend.llm.chain(Purpose.CHAT))
        return Seen(datetime.now(UTC), parts, chain, post, await self._figures() if postgres.ok else None)

    async def _figures(self) -> Figures | None:
        db = self._backend.db
        try:
            return Figures(
                await figures.of_day(db),
                await figures.of_hour(db),
                await figures.unfinished(db),
                await spending.of_day(db),
                (await self._backend.bots.list(after=None, limit=MOST_BOTS)).items,
            )
        except StorageUnavailable:
            return None

    def _compared(self, looks: Iterable[Look]) -> list[Part]:
        self._known = {look.part: as_part(look, self._known.get(look.part)) for look in looks}
        return list(self._known.values())


def as_part(look: Look, known: Part | None) -> Part:
    """What is as it was is so since then, unless it knows better itself."""
    now = datetime.now(UTC)
    if known and known.look.ok == look.ok:
        part = replace(known, look=look, since=look.since or known.since)
    else:
        part = Part(look, look.since or now, known.last_error if known else "", known.last_error_at if known else None)
    if not look.ok and not (known and not known.look.ok and known.look.error == look.error):
        return replace(part, last_error=look.error or look.note, last_error_at=now)
    return part
