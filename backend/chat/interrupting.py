"""What a person may want of an answer that is not there yet: none at all, or one to other words."""

from dataclasses import dataclass
from uuid import UUID

from backend.chat.adoption import again, as_accepted
from backend.chat.presence import INTERRUPTED
from backend.chat.turns import Accepted, Asked
from backend.database import Database


@dataclass(frozen=True, slots=True)
class Place:
    """Where one person talks with one bot."""

    bot: str
    chat_id: str
    user_id: str
    thread_id: str


STOP = f"""
with stopped as (
    update turns set stopping = true
    where status in ('waiting', 'open') and not stopping and session_id = (
        select session.id from chat_sessions session join bots bot on bot.id = session.bot_id
        where is_active and bot.slug = $1 and chat_id = $2 and user_id = $3 and thread_id = $4
    )
    returning id
)
select pg_notify('{INTERRUPTED}', id::text) from stopped
"""

# What the person sees changed is changed; the turn that is to answer it, if it has not, becomes this process's, which
# answers the new words. That is another one than the message's own when it was merged.
EDIT = f"""
with message as (
    update messages set content = $2, tokens = $3
    where turn_id = (select id from turns where key = $1) and role = 'user' returning turn_id
), anew as (
    update turns set attempt = attempt + 1, status = 'waiting', owner = $4
    where delivers and not stopping and status in ('waiting', 'open') and id = (
        select answering.id from turns edited join turns answering
            on answering.session_id = edited.session_id and answering.position >= edited.position
        where edited.id = (select turn_id from message) and answering.status <> 'merged'
        order by answering.position limit 1
    )
    and exists (
        select from messages where turn_id = (select turn_id from message) and role = 'user' and content <> $2
    )
    returning id
)
select anew.id as anew, (select pg_notify('{INTERRUPTED}', id::text) from anew) from message left join anew on true
"""

ANEW = f"{again('turns')} where turn.id = $1"


async def stop(db: Database, place: Place) -> int:
    """Mark what is unanswered as to be stopped; how much that is."""
    return len(await db.run(STOP, place.bot, place.chat_id, place.user_id, place.thread_id))


async def edit(
    db: Database, key: UUID, text: str, *, tokens: int, owner: int
) -> tuple[bool, tuple[Accepted, Asked] | None]:
    """Whether there is such a message, which has the new text now; and its turn, if it is to be answered anew."""
    for row in await db.run(EDIT, key, text, tokens, owner):
        anew = await db.run(ANEW, row["anew"]) if row["anew"] else []
        return True, as_accepted(anew[0]) if anew else None
    return False, None
