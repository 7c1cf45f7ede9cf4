"""A group that goes on under another id: what was said in it is remembered there."""

from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg

from backend.bots import BotNotFound
from backend.database import Database, Transaction

# Everything that is remembered of a group is written anew: longer than a usual statement may take.
PATIENCE_SECONDS = 300.0

# What is said in private belongs to the person, not to the chat.
LOCK_SESSIONS = """
select id, scope from chat_sessions where bot_id = $1 and chat_id = $2 and chat_type <> 'private'
order by id for no key update
"""
LOCK_DOCUMENTS = "select id, scope from documents where bot_id = $1 and chat_id = $2 order by id for update"

# In the order in which the worker locks them. Without words there is nothing for the triggers to count row by row.
LOCK_PIECES = "select id from embeddings where scope = any($1::uuid[]) order by id for no key update"
FORGET_WORDS = """
with piece as (
    update embeddings set length = null where id = any($2::bigint[]) and length is not null
), word as (
    delete from words where embedding_id = any($2::bigint[])
)
delete from scopes where id = any($1::uuid[])
"""

# Of a person's two dialogues that go on, the newer one does.
CLOSE_OLDER = """
update chat_sessions older set is_active = false, closed_at = now()
where bot_id = $1 and chat_id in ($2, $3) and is_active and exists (
    select from chat_sessions newer
    where newer.bot_id = $1 and newer.chat_id in ($2, $3) and newer.is_active and newer.user_id = older.user_id
        and newer.thread_id = older.thread_id and (newer.created_at, newer.id) > (older.created_at, older.id)
)
"""
# A trigger moves what is promised of them, and has it indexed again.
MOVE_SESSIONS = """
update chat_sessions set chat_id = $2, chat_type = case chat_type when 'group' then 'supergroup' else chat_type end
where id = any($1::uuid[])
"""
# The same file need not be there twice.
DELETE_SAME = """
delete from documents where id = any($1::uuid[]) and exists (
    select from documents other where other.bot_id = documents.bot_id and other.chat_id = $2
        and other.thread_id = documents.thread_id and other.sha256 = documents.sha256
)
"""
MOVE_DOCUMENTS = """
with moved as (
    update documents set chat_id = $2 where id = any($1::uuid[]) returning id, scope
)
update embeddings set scope = moved.scope from moved where document_id = moved.id
"""

# Messages have other ids there, so nothing can reply to those of before.
MOVE_DELIVERIES = """
update deliveries set chat_id = $3, reply_to = '' where bot_id = $1 and chat_id = $2 and state = 'pending'
"""
REPLY_TO_NOTHING = """
update turns set reply_to = '' where session_id = any($1::uuid[]) and status in ('waiting', 'open')
"""
MOVE_PERMISSION = """
update bots set allowed_chat_ids = array_append(array_remove(array_remove(allowed_chat_ids, $2), $3), $3)
where id = $1 and $2 = any(allowed_chat_ids)
"""


async def move_chat(db: Database, bot: str, chat_id: str, to: str) -> list[UUID]:
    """Everybody's sessions there, which were moved with all that is remembered; safe to repeat.

    What is remembered is found again once the worker has indexed it. Raises `BotNotFound`.
    """
    found = await db.run("select id from bots where slug = $1", bot)
    if not found:
        raise BotNotFound
    while chat_id != to:
        with suppress(asyncpg.UniqueViolationError):  # somebody has begun a dialogue there at this very moment
            async with db.begin() as tx:
                return await _move(tx, found[0]["id"], chat_id, to)
    return []


async def _move(tx: Transaction, bot: UUID, chat_id: str, to: str) -> list[UUID]:
    sessions = await _fetch(tx, LOCK_SESSIONS, bot, chat_id)
    documents = await _fetch(tx, LOCK_DOCUMENTS, bot, chat_id)
    session_ids, document_ids = [row["id"] for row in sessions], [row["id"] for row in documents]
    scopes = list({row["scope"] for row in (*sessions, *documents)})
    pieces = await _fetch(tx, LOCK_PIECES, scopes)
    await _fetch(tx, FORGET_WORDS, scopes, [row["id"] for row in pieces])
    await _fetch(tx, CLOSE_OLDER, bot, chat_id, to)
    await _fetch(tx, MOVE_SESSIONS, session_ids, to)
    await _fetch(tx, REPLY_TO_NOTHING, session_ids)
    await _fetch(tx, DELETE_SAME, document_ids, to)
    await _fetch(tx, MOVE_DOCUMENTS, document_ids, to)
    await _fetch(tx, MOVE_DELIVERIES, bot, chat_id, to)
    await _fetch(tx, MOVE_PERMISSION, bot, chat_id, to)
    return session_ids


async def _fetch(tx: Transaction, statement: str, *arguments: Any) -> list[Any]:
    return await tx.fetch(statement, *arguments, timeout=PATIENCE_SECONDS)
