"""Documents as memory: taken in, read by a worker, found in pieces like what was said."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from backend import reader
from backend.database import Database, Page, Record, as_page
from backend.errors import Invalid, NotFound, Problem
from backend.jobs import Jobs
from backend.memory.pieces import pieces
from backend.memory.scopes import BotNotFound, Whose
from backend.reader import Kind, Reason, Section, Unreadable

log = structlog.get_logger(__name__)

# A worker has a document for so long, twice what reading may take; what is due by then is asked for again.
LEASE_SECONDS = 60.0
# Whatever keeps killing workers is given up.
MOST_ATTEMPTS = 3
# A piece begins with its document's name and headings, so that it is found by them as well; in characters.
LONGEST_PLACE = 120


class DocumentNotFound(NotFound):
    """No such document."""


class DocumentEmpty(Invalid):
    """There is nothing in the file."""


class DocumentUnsupported(Problem):
    """The file is none that can be read, or not what its name says."""

    status = 415


@dataclass(frozen=True, slots=True)
class Filter:
    """Which documents are wanted; None means any."""

    bot: str | None = None
    user_id: str | None = None
    chat_id: str | None = None


SHOWN = """
document.id, bot.slug as bot, document.user_id, document.chat_id, document.thread_id, document.name,
document.media_type, document.size, document.sha256, document.state, document.problem, document.pieces,
document.created_at, document.finished_at
"""

# What failed may be tried again; anything else is the document that is already there, and is locked all the same.
ADD = """
insert into documents (bot_id, user_id, chat_id, thread_id, name, media_type, size, sha256, content)
select id, $2, $3, $4, $5, $6, $7, $8, $9 from bots where slug = $1 and enabled
on conflict (scope, sha256) do update
set state = 'waiting', attempt = 0, problem = null, finished_at = null, due_at = excluded.due_at,
    name = excluded.name, media_type = excluded.media_type, content = excluded.content
where documents.state = 'failed'
"""

SAME = f"""
select {SHOWN} from documents document join bots bot on bot.id = document.bot_id
where bot.slug = $1 and document.user_id = $2 and document.chat_id = $3 and document.thread_id = $4
    and document.sha256 = $5
"""

GET = f"select {SHOWN} from documents document join bots bot on bot.id = document.bot_id where document.id = $1"

# Without a cursor, the place before all rows is filled in, so that an index finds the beginning of every part.
LIST = f"""
select {SHOWN} from documents document join bots bot on bot.id = document.bot_id
where ($1::text is null or bot.slug = $1) and ($2::text is null or document.user_id = $2)
    and ($3::text is null or document.chat_id = $3)
    and (document.created_at, document.id) < (
        coalesce($4::timestamptz, 'infinity'), coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    )
order by document.created_at desc, document.id desc limit $6
"""

DELETE = "delete from documents where id = $1 returning id"

CLAIM = """
update documents set state = 'reading', attempt = attempt + 1, due_at = now() + make_interval(secs => $2)
where id = $1 and state = 'waiting' returning attempt, name, media_type, content
"""

# The file itself is let go: memory needs its text, and a backup should not carry every upload twice.
READY = """
with read as (
    update documents set state = 'ready', content = null, pieces = cardinality($3::text[]), finished_at = now()
    where id = $1 and attempt = $2 and state = 'reading' returning *
)
insert into embeddings (scope, document_id, piece, role, speaker, content, created_at)
select scope, id, piece.number - 1, 'document', name, piece.content, created_at
from read cross join unnest($3::text[]) with ordinality as piece(content, number)
returning 1
"""

FAILED = """
update documents set state = 'failed', problem = $3, content = null, finished_at = now()
where id = $1 and attempt = $2 and state = 'reading'
"""

# What is due is waiting again, and nobody's, so that a worker that comes late finds it taken away.
OVERDUE = """
update documents set state = 'waiting', due_at = now() + make_interval(secs => $1)
where id in (
    select id from documents where state in ('waiting', 'reading') and due_at < now()
    order by due_at limit 100 for update skip locked
)
returning id
"""

GIVE_UP = """
update documents set state = 'failed', problem = 'unreadable', content = null, finished_at = now()
where state in ('waiting', 'reading') and attempt >= $1 and due_at < now()
"""


class Documents:
    """Files that memory holds."""

    def __init__(self, db: Database, jobs: Jobs) -> None:
        self._db = db
        self._jobs = jobs

    async def add(self, whose: Whose, content: bytes, *, file_name: str, name: str) -> Record:
        """The document, which a worker will read; without a person and a chat, the bot's own and for all.

        The same bytes of the same owner are the same document. Raises `DocumentEmpty`, `DocumentUnsupported` or
        `BotNotFound`.
        """
        if not content.strip():
            raise DocumentEmpty
        kind = reader.kind_of(content, file_name)
        if kind is None:
            raise DocumentUnsupported(f"{', '.join(Kind)} can be read")
        owner = (whose.bot, whose.user_id, whose.chat_id, whose.thread_id)
        sha256 = hashlib.sha256(content).hexdigest()
        async with self._db.begin() as tx:
            await tx.execute(ADD, *owner, name, kind, len(content), sha256, content)
            document = await tx.fetchrow(SAME, *owner, sha256)
        if document is None:
            raise BotNotFound
        if document["state"] == "waiting":
            self._jobs.read_document(document["id"])
        return document

    async def get(self, document_id: UUID) -> Record:
        """Raises `DocumentNotFound`."""
        for document in await self._db.run(GET, document_id):
            return document
        raise DocumentNotFound

    async def list(self, wanted: Filter, *, after: tuple[datetime, UUID] | None, limit: int) -> Page:
        """Documents that came before the moment and id `after`, newest first."""
        place = after or (None, None)
        return as_page(await self._db.run(LIST, wanted.bot, wanted.user_id, wanted.chat_id, *place, limit + 1), limit)

    async def delete(self, document_id: UUID) -> None:
        """With all that is remembered of it. Raises `DocumentNotFound`."""
        if not await self._db.run(DELETE, document_id):
            raise DocumentNotFound

    async def overdue(self) -> Sequence[UUID]:
        """Documents that were to be read by now, or are read by nobody any more."""
        await self._db.run(GIVE_UP, MOST_ATTEMPTS)
        return [row["id"] for row in await self._db.run(OVERDUE, LEASE_SECONDS)]

    async def read(self, document_id: UUID) -> None:
        """Make it findable, unless somebody else is at it; safe to repeat."""
        for document in await self._db.run(CLAIM, document_id, LEASE_SECONDS):
            try:
                sections = await reader.read(document["content"], Kind(document["media_type"]))
            except Unreadable as error:
                await self._fail(document_id, document["attempt"], error.reason)
            else:
                found = as_pieces(document["name"], sections)
                await self._db.run(READY, document_id, document["attempt"], found)

    async def _fail(self, document_id: UUID, attempt: int, reason: Reason) -> None:
        log.info("document_not_read", document_id=str(document_id), problem=reason)
        await self._db.run(FAILED, document_id, attempt, reason)


def as_pieces(name: str, sections: Sequence[Section]) -> list[str]:
    """What is to be found: each piece says first where it stands."""
    return [f"{place(name, section.headings)}\n{piece}" for section in sections for piece in pieces(section.text)]


def place(name: str, headings: Sequence[str]) -> str:
    """The document's name and the headings above; when that is long, the nearest ones count."""
    nearest = " › ".join(headings)[-LONGEST_PLACE // 2 :]
    room = LONGEST_PLACE - len(nearest)
    return " › ".join(filter(None, (name[:room], nearest)))
