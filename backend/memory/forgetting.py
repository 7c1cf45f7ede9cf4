"""Deleting everything that is kept of a person, and a receipt for it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from backend.bots import forgetting
from backend.bots.forgetting import Traces
from backend.database import Database
from backend.errors import Unavailable
from backend.memory.indexing import Indexing
from backend.memory.retrieval.search import Retrieval

# So much of what was deleted is looked for afterwards, among so many passages.
MOST_LOOKED_FOR, MOST_LOOKED_AT = 20, 20


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was deleted; what of it is still there; and how many passages a search for it still finds.

    `calls` are those of skills, and `grants` what the person had allowed. Their files are deleted by the worker.
    `admissions` counts requests to be let in; one that was decided only loses the person's name. `vectors` is
    None while the vector store is away: they go when it is back.
    """

    sessions: int
    turns: int
    messages: int
    summaries: int
    documents: int
    runs: int
    calls: int
    grants: int
    deliveries: int
    admissions: int
    embeddings: int
    vectors: int | None
    left: int
    found: int


@dataclass(slots=True)
class Deleted:
    """What was there: ids, counts, and some texts to search for, with the scope they were in."""

    sessions: list[UUID] = field(default_factory=list)
    turns: int = 0
    messages: int = 0
    summaries: int = 0
    documents: list[UUID] = field(default_factory=list)
    runs: int = 0
    calls: list[int] = field(default_factory=list)
    grants: list[int] = field(default_factory=list)
    embeddings: list[int] = field(default_factory=list)
    vectors: int = 0
    texts: list[tuple[UUID, str]] = field(default_factory=list)

    def receipt(self, traces: Traces, *, reached_store: bool, left: int, found: int) -> Receipt:
        return Receipt(
            sessions=len(self.sessions),
            turns=self.turns,
            messages=self.messages,
            summaries=self.summaries,
            documents=len(self.documents),
            runs=self.runs,
            calls=len(self.calls),
            grants=len(self.grants),
            deliveries=len(traces.deliveries),
            admissions=len(traces.admissions),
            embeddings=len(self.embeddings),
            vectors=self.vectors if reached_store else None,
            left=left,
            found=found,
        )


SESSIONS_OF = """
select session.id, session.scope from chat_sessions session join bots bot on bot.id = session.bot_id
where session.user_id = $1 and ($2::text is null or bot.slug = $2) order by session.created_at
"""

# A session at a time: a person may have said a great deal, and no statement should take long.
DELETE_SESSION = """
with gone as (delete from chat_sessions where id = $1 returning id)
select (select count(*) from turns where session_id = $1) as turns,
    (select count(*) from messages where session_id = $1) as messages,
    (select count(*) from conversation_summaries where session_id = $1) as summaries,
    (select count(*) from agent_runs where session_id = $1) as runs,
    array(select id from embeddings where session_id = $1) as embeddings,
    (select count(*) from embeddings where session_id = $1 and indexed_at is not null) as vectors,
    array(select content from messages where session_id = $1 order by length(content) desc limit $2) as texts
from gone
"""

STILL_THERE = """
select (select count(*) from chat_sessions where id = any($1::uuid[]))
    + (select count(*) from turns where session_id = any($1::uuid[]))
    + (select count(*) from messages where session_id = any($1::uuid[]))
    + (select count(*) from conversation_summaries where session_id = any($1::uuid[]))
    + (select count(*) from agent_runs where session_id = any($1::uuid[]))
    + (select count(*) from documents where id = any($2::uuid[]))
    + (select count(*) from embeddings where id = any($3::bigint[]))
    + (select count(*) from skill_calls where id = any($4::bigint[]))
    + (select count(*) from grants where id = any($5::bigint[])) as rows
"""

DELETE_DOCUMENTS = """
with gone as (
    delete from documents document using bots bot
    where bot.id = document.bot_id and document.user_id = $1 and ($2::text is null or bot.slug = $2)
    returning document.id, document.scope
)
select array(select id from gone) as documents,
    array(select embedding.id from embeddings embedding join gone on gone.id = document_id) as embeddings,
    (select count(*) from embeddings where document_id in (select id from gone) and indexed_at is not null) as vectors,
    array(
        select (scope, content) from embeddings where document_id in (select id from gone) order by id limit $3
    ) as texts
"""

# What was called has outlived its run, though not what it was about.
DELETE_DEEDS = """
with bot as (
    select id from bots where $2::text is null or slug = $2
), called as (
    delete from skill_calls where user_id = $1 and bot_id in (select id from bot) returning id
), allowed as (
    delete from grants where user_id = $1 and bot_id in (select id from bot) returning id
)
select array(select id from called) as calls, array(select id from allowed) as grants
"""

# What was said to the person beside the answers, which go with their sessions.
DELETE_NOTICES = """
delete from deliveries delivery using bots bot
where bot.id = delivery.bot_id and delivery.user_id = $1 and ($2::text is null or bot.slug = $2)
"""


async def forget_person(
    db: Database, indexing: Indexing, retrieval: Retrieval, user_id: str, bot: str | None
) -> Receipt:
    """Delete what is kept of a person, by one bot or by all, and look whether it is gone; safe to repeat.

    What comes in while it works stays. What the calls of models have cost stays as well, without what was said.
    """
    # Before the sessions, whose deliveries go with them: so all are counted.
    traces = await forgetting.forget_person(db, user_id, bot)
    deleted = await delete_person(db, user_id, bot)
    left = await rows_left(db, deleted) + await forgetting.traces_left(db, traces)
    try:
        await indexing.forget(deleted.embeddings)
        left += await indexing.vectors_of(deleted.embeddings)
        reached_store = True
    except Unavailable:
        reached_store = False
    gone, found = set(deleted.embeddings), 0
    for scope, text in deleted.texts:
        again = await retrieval.search(text, scopes=[scope], now=datetime.now(UTC), limit=MOST_LOOKED_AT)
        found += sum(passage.embedding_id in gone for passage in again.passages)
    return deleted.receipt(traces, reached_store=reached_store, left=left, found=found)


async def delete_person(db: Database, user_id: str, bot: str | None) -> Deleted:
    """Delete a person's sessions and documents, with one bot or with all; what comes in meanwhile is not waited for."""
    deleted = Deleted()
    for session in await db.run(SESSIONS_OF, user_id, bot):
        for row in await db.run(DELETE_SESSION, session["id"], MOST_LOOKED_FOR):
            deleted.sessions.append(session["id"])
            deleted.turns += row["turns"]
            deleted.messages += row["messages"]
            deleted.summaries += row["summaries"]
            deleted.runs += row["runs"]
            deleted.vectors += row["vectors"]
            deleted.embeddings += row["embeddings"]
            deleted.texts += [(session["scope"], text) for text in row["texts"]]
    await db.run(DELETE_NOTICES, user_id, bot)
    [deeds] = await db.run(DELETE_DEEDS, user_id, bot)
    deleted.calls, deleted.grants = deeds["calls"], deeds["grants"]
    [row] = await db.run(DELETE_DOCUMENTS, user_id, bot, MOST_LOOKED_FOR)
    deleted.documents += row["documents"]
    deleted.embeddings += row["embeddings"]
    deleted.vectors += row["vectors"]
    deleted.texts += row["texts"]
    deleted.texts = deleted.texts[:: max(1, len(deleted.texts) // MOST_LOOKED_FOR)][:MOST_LOOKED_FOR]
    return deleted


async def rows_left(db: Database, deleted: Deleted) -> int:
    """How many rows of what was deleted are still there."""
    gone = deleted.sessions, deleted.documents, deleted.embeddings, deleted.calls, deleted.grants
    return int((await db.run(STILL_THERE, *gone))[0]["rows"])
