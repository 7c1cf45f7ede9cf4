"""Sessions with a past, written straight into the tables: what years of talking would have left there."""

import asyncio
import json

import asyncpg

from benchmarks.turns.load import Chats
from benchmarks.turns.stub import FACTS, STORY

# The usual settings: a summary at every so many messages, and so many that it leaves as they are.
SUMMARY_EVERY, VERBATIM = 24, 8
# The worker's sweep comes every 20 seconds, and finds a few thousand messages to do.
INDEXING_SECONDS = 120

SESSIONS = """
insert into chat_sessions (bot_id, user_id, chat_id, last_position, messages_since_summary)
select id, $1::text || n, $1::text || n, $3, $4 from bots, generate_series(0, $2::int - 1) n where slug = 'default'
"""
TURNS = """
insert into turns (session_id, position, status, model, milliseconds, window_tokens, finished_at)
select session.id, position, 'answered', 'stub:chat', 2, 500, now()
from chat_sessions session, generate_series(1, session.last_position, 2) position where starts_with(chat_id, $1)
"""
MESSAGES = """
insert into messages (session_id, turn_id, position, role, content, tokens)
select turn.session_id, turn.id, turn.position + half.offset, half.role,
    format('%sMessage %s: what did we decide about the trip to Lisbon in May?', half.intro, turn.position), half.tokens
from turns turn join chat_sessions session on session.id = turn.session_id,
    (values (0, 'user', '', 17), (1, 'assistant', 'You said: ', 20)) half ("offset", role, intro, tokens)
where starts_with(session.chat_id, $1) order by turn.position, turn.session_id
"""
SUMMARIES = """
insert into conversation_summaries (session_id, version, content, facts, last_message_id, last_position, tokens)
select session.id, row_number() over (partition by session.id order by message.position), $3, $4,
    message.id, message.position, 250
from chat_sessions session join messages message on message.session_id = session.id
where starts_with(chat_id, $1) and (session.last_position - $5 - message.position) % $2 = 0
    and message.position <= session.last_position - $5
"""


PROMISES = """
insert into embeddings (scope, session_id, message_id, role, content)
select session.scope, session.id, message.id, message.role, message.content
from chat_sessions session join messages message on message.session_id = session.id where starts_with(chat_id, $1)
"""
PENDING = "select count(*) from embeddings where indexed_at is null"


async def remember(database_url: str, chats: Chats) -> None:
    """Promise everything said in these chats to semantic memory, and wait until the worker has indexed it."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(PROMISES, chats.prefix)
        async with asyncio.timeout(INDEXING_SECONDS):
            while await connection.fetchval(PENDING):  # noqa: ASYNC110 - it is the worker that does it
                await asyncio.sleep(1)
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


async def seed(database_url: str, chats: Chats, *, messages: int) -> None:
    """Sessions of so many messages, summarized as they grew, so that their summaries reach to the last few."""
    connection = await asyncpg.connect(database_url)
    try:
        # All rows are consistent by construction; checking the foreign keys of each takes longer than writing it.
        await connection.execute("set session_replication_role = replica")
        await connection.execute(SESSIONS, chats.prefix, chats.count, messages, VERBATIM)
        await connection.execute(TURNS, chats.prefix)
        await connection.execute(MESSAGES, chats.prefix)
        facts = json.dumps([{"kind": kind, "text": text} for kind, text in FACTS.items()])
        await connection.execute(SUMMARIES, chats.prefix, SUMMARY_EVERY, STORY, facts, VERBATIM)
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()
