"""Turns that were left behind, and are carried out once more: their process died, gave them up, or was told to stop."""

from backend.chat.presence import OWNER_IS_GONE
from backend.chat.turns import Accepted, Asked, Turn, as_turn
from backend.database import Database, Record

# What fails so often will fail again, and may take its process with it.
MOST_ATTEMPTS = 5
MOST_AT_ONCE = 100


def again(turn: str) -> str:
    """SQL that tells of the turns of a relation what carrying them out needs."""
    return f"""
        select turn.id, turn.session_id, turn.position, turn.attempt, turn.reply_to, session.chat_id, session.thread_id,
            session.user_id, session.chat_type, session.language, session.scope, bot.slug, bot.persona, bot.name,
            bot.llm_chain, bot.max_concurrent_turns, memory_scope(bot.id, 'bot', '', '', '') as bot_scope,
            coalesce(message.speaker, '') as speaker, coalesce(message.content, '') as content,
            coalesce(message.tokens, 0) as tokens
        from {turn} turn join chat_sessions session on session.id = turn.session_id
        join bots bot on bot.id = session.bot_id
        left join messages message on message.session_id = turn.session_id and message.position = turn.position
    """


# Another attempt, with the place in the session that the message has: what was said later waits for it.
ADOPT = f"""
with adopted as (
    update turns set owner = $1, attempt = attempt + 1, status = 'waiting'
    where id in (
        select id from turns
        where status in ('waiting', 'open') and delivers and owner <> $1 and {OWNER_IS_GONE}
        limit $2 for update skip locked
    )
    returning *
)
{again("adopted")} order by turn.position
"""

GIVE_UP = "update turns set owner = 0 where id = $1 and attempt = $2 and status in ('waiting', 'open')"


async def adopt(db: Database, *, owner: int) -> list[tuple[Accepted, Asked]]:
    """The turns that nobody carries out, but who calls this from now on."""
    return [as_accepted(row) for row in await db.run(ADOPT, owner, MOST_AT_ONCE)]


async def give_up(db: Database, turn: Turn) -> None:
    """Leave a turn to whoever adopts it."""
    await db.run(GIVE_UP, turn.id, turn.attempt)


def as_accepted(row: Record) -> tuple[Accepted, Asked]:
    """A row of `again`: the turn, and what was asked."""
    turn = as_turn(row, row["id"], row["attempt"], delivers=True)
    asked = Asked(
        bot=row["slug"], chat_id=row["chat_id"], thread_id=row["thread_id"], user_id=row["user_id"],
        user_name=row["speaker"], chat_type=row["chat_type"], language=row["language"], text=row["content"],
        tokens=row["tokens"], key=None, delivers=True, reply_to=row["reply_to"],
    )  # fmt: skip
    return Accepted(turn, past=None, at_once=row["max_concurrent_turns"]), asked
