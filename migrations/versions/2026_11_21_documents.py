"""Documents: files that memory holds, in pieces that stand beside those of messages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

SCOPE = """memory_scope(
    bot_id, case when chat_id <> '' then 'group' when user_id <> '' then 'private' else 'bot' end,
    user_id, chat_id, thread_id
)"""
SOURCE = "num_nonnulls(message_id, document_id) = 1 and (message_id is null) = (session_id is null)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("bot_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Uuid(), sa.Computed(SCOPE, persisted=True), nullable=False),
        sa.Column("user_id", sa.Text(), server_default="", nullable=False),
        sa.Column("chat_id", sa.Text(), server_default="", nullable=False),
        sa.Column("thread_id", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("pieces", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "due_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now() + interval '60 seconds'"),
            nullable=False,
        ),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('waiting', 'reading', 'ready', 'failed')", name=op.f("ck_documents_state")),
        sa.CheckConstraint(
            "problem in ('unreadable', 'too-long', 'encrypted', 'empty')", name=op.f("ck_documents_problem")
        ),
        sa.CheckConstraint("user_id = '' or chat_id = ''", name=op.f("ck_documents_owner")),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_documents_bot_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("scope", "sha256", name=op.f("uq_documents_scope_sha256")),
    )
    op.create_index(op.f("ix_documents_bot_id"), "documents", ["bot_id"])
    op.create_index("ix_documents_newest", "documents", ["created_at", "id"])
    op.create_index(
        "ix_documents_due", "documents", ["due_at"], postgresql_where=sa.text("state in ('waiting', 'reading')")
    )
    op.add_column("embeddings", sa.Column("document_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_embeddings_document_id"), "embeddings", "documents", ["document_id"], ["id"], ondelete="CASCADE"
    )
    op.create_index(
        "ix_embeddings_document_id_piece",
        "embeddings",
        ["document_id", "piece"],
        unique=True,
        postgresql_where=sa.text("document_id is not null"),
    )
    for column in ("session_id", "message_id"):
        op.alter_column("embeddings", column, nullable=True)
    op.create_check_constraint(op.f("ck_embeddings_source"), "embeddings", SOURCE)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_embeddings_source"), "embeddings")
    op.execute("delete from embeddings where document_id is not null")
    for column in ("session_id", "message_id"):
        op.alter_column("embeddings", column, nullable=False)
    op.drop_column("embeddings", "document_id")
    op.drop_table("documents")
