"""A few things that a person wants forgotten: messages and documents of their own, each by a handle.

A handle names one thing as it was when it was shown: what has changed since is another thing, and stays.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backend.database import Database, Record

# `m17-0f3a9c` is a message, `d….-0f3a9c` a document; behind it the beginning of a digest of what it says.
HANDLE = re.compile(
    r"m(?P<message>[0-9]{1,18})-[0-9a-f]{8}|d(?P<document>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9a-f]{8}"
)
DIGITS = 8

# In a group, only what this person said there or was answered; its documents are everybody's.
OWN = """
select message.id as message_id, null::uuid as document_id, message.content as digested, message.role,
    message.speaker, message.content, message.created_at
from messages message join chat_sessions session on session.id = message.session_id
where message.id = any($1::bigint[]) and session.scope = $3 and session.user_id = $4
union all
select null, id, sha256, 'document', '', name, created_at
from documents where id = any($2::uuid[]) and scope = $3 and user_id = $4
order by created_at
"""

# A summary that has folded in what is to be forgotten goes as well: the next is made of what is left.
DELETE_MESSAGES = """
with gone as (
    delete from messages message using chat_sessions session
    where session.id = message.session_id and session.scope = $3 and session.user_id = $4
        and (message.id, message.content) in (select * from unnest($1::bigint[], $2::text[]))
    returning message.session_id, message.position
), place as (
    select session_id, min(position) as position from gone group by session_id
), unfolded as (
    delete from conversation_summaries summary using place
    where summary.session_id = place.session_id and summary.last_position >= place.position
    returning summary.session_id
), counted as (
    update chat_sessions set messages_since_summary = (
        select count(*) from messages where session_id = place.session_id and messages.position > coalesce((
            select max(last_position) from conversation_summaries summary
            where summary.session_id = place.session_id and last_position < place.position
        ), 0)
    )
    from place where id = place.session_id and id in (select session_id from unfolded)
)
select count(*) as count from gone
"""
DELETE_DOCUMENTS = """
delete from documents where (id, sha256) in (select * from unnest($1::uuid[], $2::text[]))
    and scope = $3 and user_id = $4
returning id
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A message, or a document (whose `content` is its name)."""

    handle: str
    role: str
    speaker: str
    content: str
    said_at: datetime
    id: int | UUID
    digested: str


async def choose(db: Database, handles: Iterable[str], scope: UUID, user_id: str) -> list[Chosen]:
    """Those of the handles that are there, unchanged, and this person's own; the oldest first."""
    wanted = {handle: match for handle in handles if (match := HANDLE.fullmatch(handle))}
    messages = [int(match["message"]) for match in wanted.values() if match["message"]]
    documents = [UUID(match["document"]) for match in wanted.values() if match["document"]]
    return [one for one in await own(db, messages, documents, scope, user_id) if one.handle in wanted]


async def own(
    db: Database, messages: Sequence[int], documents: Sequence[UUID], scope: UUID, user_id: str
) -> list[Chosen]:
    """What is this person's own of these; the oldest first."""
    return [_chosen(row) for row in await db.run(OWN, messages, documents, scope, user_id)]


def _chosen(row: Record) -> Chosen:
    id = row["message_id"] or row["document_id"]
    digest = hashlib.sha256(row["digested"].encode()).hexdigest()[:DIGITS]
    handle = f"{'m' if row['message_id'] else 'd'}{id}-{digest}"
    return Chosen(handle, row["role"], row["speaker"], row["content"], row["created_at"], id, row["digested"])


async def forget(db: Database, chosen: Sequence[Chosen], scope: UUID, user_id: str) -> int:
    """How many of them are deleted now, with all that is remembered of them: those that are unchanged still."""
    messages = [one for one in chosen if isinstance(one.id, int)]
    documents = [one for one in chosen if isinstance(one.id, UUID)]
    [row] = await db.run(DELETE_MESSAGES, *_columns(messages), scope, user_id)
    return int(row["count"]) + len(await db.run(DELETE_DOCUMENTS, *_columns(documents), scope, user_id))


def _columns(chosen: Sequence[Chosen]) -> tuple[list[int | UUID], list[str]]:
    return [one.id for one in chosen], [one.digested for one in chosen]
