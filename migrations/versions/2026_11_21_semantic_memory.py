"""Semantic memory: whose memory a session belongs to, what should be findable, and where its vectors are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

# The parts are told apart by their lengths: no two sets of ids make the same text.
SCOPE = """
create function memory_scope(bot_id uuid, chat_type text, user_id text, chat_id text, thread_id text) returns uuid
language sql immutable parallel safe
return encode(substr(sha256(convert_to(
    case chat_type
        when 'private' then concat_ws(' ', 'person', bot_id, user_id)
        when 'bot' then concat_ws(' ', 'bot', bot_id)
        else concat_ws(' ', 'group', bot_id, length(chat_id), chat_id, thread_id)
    end, 'UTF8'
)), 1, 16), 'hex')::uuid
"""

# Whoever deletes: a cascade, an operator in Directus, a person at psql.
FORGET = """
create function forget_vectors() returns trigger language plpgsql as $$
begin
    insert into forgotten_vectors (embedding_id) select id from gone on conflict do nothing;
    return null;
end
$$
"""
FORGET_WHEN = """
create trigger forget_vectors after delete on embeddings referencing old table as gone
for each statement execute function forget_vectors()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(SCOPE)
    op.add_column(
        "chat_sessions",
        sa.Column(
            "scope",
            sa.Uuid(),
            sa.Computed("memory_scope(bot_id, chat_type, user_id, chat_id, thread_id)", persisted=True),
            nullable=False,
        ),
    )
    op.create_index(op.f("ix_chat_sessions_scope"), "chat_sessions", ["scope"])
    op.add_column("turns", sa.Column("recalled", postgresql.JSONB(), nullable=True))
    op.add_column("messages", sa.Column("speaker", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "vector_indexes",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("embedder", sa.Text(), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("indexing_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('building', 'active', 'retired')", name=op.f("ck_vector_indexes_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vector_indexes")),
    )
    for state in ("active", "building"):
        op.create_index(
            f"ix_vector_indexes_one_{state}",
            "vector_indexes",
            ["state"],
            unique=True,
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    op.create_table(
        "forgotten_vectors",
        sa.Column("embedding_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("embedding_id", name=op.f("pk_forgotten_vectors")),
    )
    # Nothing has ever been written here.
    op.add_column("embeddings", sa.Column("scope", sa.Uuid(), nullable=False))
    op.add_column("embeddings", sa.Column("piece", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("embeddings", sa.Column("speaker", sa.Text(), server_default="", nullable=False))
    op.add_column("embeddings", sa.Column("indexed_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.drop_index(op.f("ix_embeddings_message_id"), table_name="embeddings")
    op.create_unique_constraint(op.f("uq_embeddings_message_id_piece"), "embeddings", ["message_id", "piece"])
    op.create_index("ix_embeddings_pending", "embeddings", ["id"], postgresql_where=sa.text("indexed_at is null"))
    op.create_index("ix_embeddings_scope_id", "embeddings", ["scope", "id"])
    op.execute(FORGET)
    op.execute(FORGET_WHEN)


def downgrade() -> None:
    op.execute("drop trigger forget_vectors on embeddings")
    op.execute("drop function forget_vectors")
    op.drop_index("ix_embeddings_scope_id", table_name="embeddings")
    op.drop_index("ix_embeddings_pending", table_name="embeddings", postgresql_where=sa.text("indexed_at is null"))
    op.drop_constraint(op.f("uq_embeddings_message_id_piece"), "embeddings")
    op.create_index(op.f("ix_embeddings_message_id"), "embeddings", ["message_id"])
    for column in ("indexed_at", "speaker", "piece", "scope"):
        op.drop_column("embeddings", column)
    op.drop_table("forgotten_vectors")
    op.drop_table("vector_indexes")
    op.drop_column("messages", "speaker")
    op.drop_column("turns", "recalled")
    op.drop_index(op.f("ix_chat_sessions_scope"), table_name="chat_sessions")
    op.drop_column("chat_sessions", "scope")
    op.execute("drop function memory_scope")
