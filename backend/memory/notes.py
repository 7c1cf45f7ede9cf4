"""What the assistant was asked to keep: a message of its own in the session, never the person's word."""

from uuid import UUID

from backend.database import Database
from backend.llm.tokens import count_tokens
from backend.memory.indexing.promises import Promise, insert_promises
from backend.memory.pieces import pieces

# Somebody has asked for it to be remembered.
WORTH = 1.0

# Behind the last turn, whose answer may still come: that has its place already.
INSERT = f"""
with session as (
    update chat_sessions set last_position = last_position + 2, messages_since_summary = messages_since_summary + 1
    where id = $1 returning id, last_position - 1 as position, scope, bot_id
), message as (
    insert into messages (session_id, position, role, speaker, content, tokens)
    select session.id, position, 'assistant', bot.name, $2, $3 from session join bots bot on bot.id = bot_id
    returning id, session_id, role, speaker
), promised as ({insert_promises("message", 4)})
select id from message
"""


async def keep_note(db: Database, session_id: UUID, text: str) -> bool:
    """Whether it is kept: not if the session is gone."""
    promised = promise_note(text)
    return bool(await db.run(INSERT, session_id, text, count_tokens(text), promised.pieces, promised.worth))


def promise_note(text: str) -> Promise:
    cut = pieces(text)
    return Promise(cut, [WORTH] * len(cut))
