"""Finding by words: which stemmed words each embedding has, and what is known of a whole memory."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

# The Russian configuration stems Latin words as English.
STEMMED_AS = """
create function stemmed_as(content text, language text) returns regconfig language sql stable parallel safe
return case
    when language like 'sr%' then 'serbian'
    when content ~* '[а-я]' then 'russian'
    else case split_part(lower(language), '-', 1)
        when 'ar' then 'arabic' when 'ca' then 'catalan' when 'da' then 'danish' when 'de' then 'german'
        when 'el' then 'greek' when 'es' then 'spanish' when 'eu' then 'basque' when 'fi' then 'finnish'
        when 'fr' then 'french' when 'ga' then 'irish' when 'hi' then 'hindi' when 'hu' then 'hungarian'
        when 'hy' then 'armenian' when 'id' then 'indonesian' when 'it' then 'italian' when 'lt' then 'lithuanian'
        when 'nb' then 'norwegian' when 'ne' then 'nepali' when 'nl' then 'dutch' when 'nn' then 'norwegian'
        when 'no' then 'norwegian' when 'pt' then 'portuguese' when 'ro' then 'romanian' when 'sv' then 'swedish'
        when 'ta' then 'tamil' when 'tr' then 'turkish' when 'yi' then 'yiddish'
        else 'russian'
    end
end::regconfig
"""

# Whatever joins letters and digits separates words here: Postgres itself takes 2024-05-03 for negative numbers, and a
# path, a host or an identifier for one word. The letters ё and е are one. A document's piece is far below the limit.
WORDS_OF = """
create function words_of(content text, language text) returns table (word text, times int)
language sql stable parallel safe as $$
    select lexeme, cardinality(positions) from unnest(to_tsvector(
        stemmed_as(content, language),
        regexp_replace(translate(lower(left(content, 100000)), 'ё', 'е'), '[^[:alnum:]]+', ' ', 'g')
    ))
$$
"""

# A word within a scope as one number: half the size of both, and each scope has posting lists of its own.
WORD_KEY = """
create function word_key(word text, scope uuid) returns bigint language sql immutable parallel safe
return hashtextextended(word, uuid_hash_extended(scope, 0))
"""

# Whoever deletes. Locks are taken in one order: embeddings, then scopes by id. A name goes with the last of its words.
FORGET = """
create function forget_words() returns trigger language plpgsql as $$
begin
    delete from words where embedding_id in (select id from gone where length is not null);
    perform from scopes where id in (select scope from gone where length is not null) order by id for update;
    update scopes set pieces = scopes.pieces - lost.pieces, length = scopes.length - lost.length, speakers = array(
        select name from unnest(speakers) name where
            not exists (select from gone where gone.scope = scopes.id and gone.speaker = name)
            or exists (select from embeddings where embeddings.scope = scopes.id and embeddings.speaker = name)
    )
    from (
        select scope, count(*) as pieces, sum(length) as length from gone where length is not null group by scope
    ) lost
    where scopes.id = lost.scope;
    delete from scopes where id in (select scope from gone) and pieces <= 0;
    return null;
end
$$
"""
FORGET_WHEN = """
create trigger forget_words after delete on embeddings referencing old table as gone
for each statement execute function forget_words()
"""

# What was written anew must be found anew, by words and by meaning.
RENEW = """
create function renew_embedding() returns trigger language plpgsql as $$
begin
    if old.length is not null then
        delete from words where embedding_id = old.id;
        update scopes set pieces = pieces - 1, length = length - old.length where id = old.scope;
    end if;
    new.length := null;
    new.indexed_at := null;
    return new;
end
$$
"""
RENEW_WHEN = """
create trigger renew_embedding before update of content, scope on embeddings for each row
when (old.content <> new.content or old.scope <> new.scope) execute function renew_embedding()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("embeddings", sa.Column("length", sa.Integer(), nullable=True))
    op.create_index("ix_embeddings_wordless", "embeddings", ["id"], postgresql_where=sa.text("length is null"))
    op.create_table(
        "words",
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("embedding_id", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.SmallInteger(), nullable=False),
        sa.Column("length", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "embedding_id", name=op.f("pk_words"), postgresql_include=["times", "length"]),
        # New rows become part of index-only scans after a vacuum: at two in a hundred, not at twenty.
        postgresql_with={"autovacuum_vacuum_insert_scale_factor": "0.02"},
    )
    op.create_index(op.f("ix_words_embedding_id"), "words", ["embedding_id"])
    op.create_table(
        "scopes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("speakers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scopes")),
    )
    for statement in (STEMMED_AS, WORDS_OF, WORD_KEY, FORGET, FORGET_WHEN, RENEW, RENEW_WHEN):
        op.execute(statement)


def downgrade() -> None:
    for name in ("renew_embedding", "forget_words"):
        op.execute(f"drop trigger {name} on embeddings")
        op.execute(f"drop function {name}")
    for name in ("word_key", "words_of", "stemmed_as"):
        op.execute(f"drop function {name}")
    op.drop_table("scopes")
    op.drop_table("words")
    op.drop_index("ix_embeddings_wordless", table_name="embeddings", postgresql_where=sa.text("length is null"))
    op.drop_column("embeddings", "length")
