"""What is promised to be found follows the messages, whoever changes them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"

# The new text waits to be cut, as a whole, in a row whose piece is -1: cutting is done in Python. A message that was
# never promised stays so; the sweep finds it.
PROMISE_ANEW = """
create function promise_anew() returns trigger language plpgsql as $$
begin
    delete from embeddings where message_id = new.id;
    if found then
        insert into embeddings (scope, session_id, message_id, piece, role, speaker, content, created_at)
        select scope, id, new.id, -1, new.role, new.speaker, new.content, new.created_at
        from chat_sessions where id = new.session_id;
    end if;
    return null;
end
$$
"""
WHEN_A_MESSAGE_CHANGES = """
create trigger promise_anew after update of content, role, speaker on messages for each row
when ((old.content, old.role, old.speaker) is distinct from (new.content, new.role, new.speaker))
execute function promise_anew()
"""

# A store knows the scope of each vector, so a vector with the old one must not stay.
MOVE_SCOPE = """
create function move_scope() returns trigger language plpgsql as $$
begin
    update embeddings set scope = new.scope where session_id = new.id;
    return null;
end
$$
"""
WHEN_A_SESSION_MOVES = """
create trigger move_scope after update of scope on chat_sessions for each row
when (old.scope is distinct from new.scope) execute function move_scope()
"""

INDEX_ANEW = """
create function index_anew() returns trigger language plpgsql as $$
begin
    new.indexed_at := null;
    return new;
end
$$
"""
WHEN_A_PIECE_CHANGES = """
create trigger index_anew before update of content, scope on embeddings for each row
when ((old.content, old.scope) is distinct from (new.content, new.scope))
execute function index_anew()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_embeddings_uncut", "embeddings", ["message_id"], postgresql_where=sa.text("piece < 0"))
    for statement in (
        PROMISE_ANEW,
        WHEN_A_MESSAGE_CHANGES,
        MOVE_SCOPE,
        WHEN_A_SESSION_MOVES,
        INDEX_ANEW,
        WHEN_A_PIECE_CHANGES,
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop trigger index_anew on embeddings")
    op.execute("drop trigger move_scope on chat_sessions")
    op.execute("drop trigger promise_anew on messages")
    for function in ("index_anew", "move_scope", "promise_anew"):
        op.execute(f"drop function {function}")
    op.drop_index("ix_embeddings_uncut", table_name="embeddings", postgresql_where=sa.text("piece < 0"))
