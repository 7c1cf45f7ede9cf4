"""Finding what a person said before, by its words."""

from uuid import UUID

from backend.database import Database

# The Russian configuration stems Latin words as English. Any of the question's words may match.
SEARCH = """
with wanted as (
    select nullif(replace(plainto_tsquery('russian', $2)::text, ' & ', ' | '), '')::tsquery as words
), here as (
    select id, bot_id, user_id, chat_id, thread_id, chat_type from chat_sessions where id = $1
)
select message.content
from here join chat_sessions session on session.bot_id = here.bot_id and case here.chat_type
    when 'private' then session.chat_type = 'private' and session.user_id = here.user_id
    else session.chat_id = here.chat_id and session.thread_id = here.thread_id end
join messages message on message.session_id = session.id and message.role = 'user'
cross join wanted cross join lateral to_tsvector('russian', message.content) said
where said @@ wanted.words and (message.session_id, message.position) <> ($1, $3)
order by ts_rank(said, wanted.words) desc, message.id desc
limit $4
"""


async def passages_by_words(db: Database, session_id: UUID, question: str, *, before: int, limit: int) -> list[str]:
    """What was said about a question, best first, word for word, without the question itself at `before`.

    In private, whatever the person said to this bot in private; in a group, what was said in that group and topic.
    """
    return [row["content"] for row in await db.run(SEARCH, session_id, question, before, limit)]
