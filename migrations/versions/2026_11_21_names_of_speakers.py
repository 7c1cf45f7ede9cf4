"""A speaker's name leaves a memory with the last of his words, also when these went before their pieces."""

from alembic import op

revision = "0009"
down_revision = "0008"

# A piece that was written anew has no words until it is indexed: when it is deleted then, the name goes as well.
FORGET = """
create or replace function forget_words() returns trigger language plpgsql as $$
begin
    delete from words where embedding_id in (select id from gone where length is not null);
    perform from scopes where id in (select scope from gone) order by id for update;
    update scopes set pieces = scopes.pieces - lost.pieces, length = scopes.length - lost.length, speakers = array(
        select name from unnest(speakers) name where
            not exists (select from gone where gone.scope = scopes.id and gone.speaker = name)
            or exists (select from embeddings where embeddings.scope = scopes.id and embeddings.speaker = name)
    )
    from (
        select scope, count(length) as pieces, coalesce(sum(length), 0) as length from gone group by scope
    ) lost
    where scopes.id = lost.scope;
    delete from scopes where id in (select scope from gone) and pieces <= 0;
    return null;
end
$$
"""
BEFORE = """
create or replace function forget_words() returns trigger language plpgsql as $$
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


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(FORGET)


def downgrade() -> None:
    op.execute(BEFORE)
