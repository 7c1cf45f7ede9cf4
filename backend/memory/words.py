"""The words of what was said: an inverted index in Postgres, one per scope, that grows row by row."""

from backend.database import Database

# The length is that of the text, cut off at what fits: a piece of a message has a hundred words or so.
INDEX = """
with due as materialized (
    select embedding.id, embedding.content, coalesce(session.language, '') as language
    from embeddings embedding left join chat_sessions session on session.id = embedding.session_id
    where embedding.length is null order by embedding.id limit $1 for update of embedding skip locked
), said as materialized (
    select due.id, word, least(times, 255) as times from due cross join lateral words_of(content, language)
), measured as (
    update embeddings set length = coalesce(counted.length, 0)
    from due left join (select id, sum(times)::int as length from said group by id) counted using (id)
    where embeddings.id = due.id
    returning embeddings.id, embeddings.scope, embeddings.speaker, embeddings.length
), indexed as (
    insert into words (key, embedding_id, times, length)
    select word_key(word, scope), id, times, least(length, 32767) from said join measured using (id)
    on conflict do nothing
), counted as (
    insert into scopes as scope (id, pieces, length, speakers)
    select scope, count(*), sum(length), coalesce(array_agg(distinct speaker) filter (where speaker <> ''), '{}')
    from measured group by scope order by scope
    on conflict (id) do update set pieces = scope.pieces + excluded.pieces, length = scope.length + excluded.length,
        speakers = case when scope.speakers @> excluded.speakers then scope.speakers
            else array(select distinct name from unnest(scope.speakers || excluded.speakers) name) end
)
select count(*) from due
"""


async def index_words(db: Database, limit: int) -> int:
    """Make embeddings findable by their words, oldest first; returns how many, 0 if none was left to do.

    Safe to do twice at once: each takes what the other has not.
    """
    return int((await db.run(INDEX, limit))[0]["count"])
