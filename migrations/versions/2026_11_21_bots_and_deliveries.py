"""Bots in Telegram: tokens, who receives for them, who may talk to them, and what is to be handed to people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

TIMESTAMP = postgresql.TIMESTAMP(timezone=True)
TEXTS = postgresql.ARRAY(sa.Text())
TRIGGERS = "triggers <@ array['mention', 'reply', 'name', 'keyword', 'command', 'all']"
STATUSES = "status in ('waiting', 'open', 'answered', 'stopped', 'merged', 'failed')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _widen_bots()
    _add_pollers()
    _add_admissions()
    op.create_table(
        "rates",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("full_until", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rates")),
        prefixes=["UNLOGGED"],
    )
    op.add_column("chat_sessions", sa.Column("forget_at", TIMESTAMP, nullable=True))
    op.create_index(
        "ix_chat_sessions_forget_at",
        "chat_sessions",
        ["forget_at"],
        postgresql_where=sa.text("forget_at is not null"),
    )
    op.add_column("turns", sa.Column("delivers", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("turns", sa.Column("reply_to", sa.Text(), server_default="", nullable=False))
    op.add_column("turns", sa.Column("stopping", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.drop_constraint(op.f("ck_turns_status"), "turns")
    op.create_check_constraint(op.f("ck_turns_status"), "turns", STATUSES)
    with_summaries = {"autosummarize": "on"}
    op.create_index(
        "ix_turns_created_at", "turns", ["created_at"], postgresql_using="brin", postgresql_with=with_summaries
    )
    _add_deliveries()


def _widen_bots() -> None:
    for name in ("language", "llm_chain", "username", "owner_id"):
        op.add_column("bots", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("bots", sa.Column("access", sa.Text(), server_default="everyone", nullable=False))
    op.add_column("bots", sa.Column("sealed_token", sa.Text(), nullable=True))
    op.add_column("bots", sa.Column("telegram_id", sa.BigInteger(), nullable=True))
    when_called = sa.text("'{mention,reply,command}'")
    op.add_column("bots", sa.Column("triggers", TEXTS, server_default=when_called, nullable=False))
    for name in ("called", "keywords", "allowed_user_ids", "allowed_chat_ids"):
        op.add_column("bots", sa.Column(name, TEXTS, server_default=sa.text("'{}'"), nullable=False))
    for name in ("messages_per_minute", "max_concurrent_turns", "max_answer_length"):
        op.add_column("bots", sa.Column(name, sa.Integer(), nullable=True))
    op.create_unique_constraint(op.f("uq_bots_telegram_id"), "bots", ["telegram_id"])
    op.create_check_constraint(op.f("ck_bots_access"), "bots", "access in ('everyone', 'list', 'pairing')")
    op.create_check_constraint(op.f("ck_bots_triggers"), "bots", TRIGGERS)
    op.create_check_constraint(op.f("ck_bots_token"), "bots", "(sealed_token is null) = (telegram_id is null)")


def _add_pollers() -> None:
    op.create_table(
        "pollers",
        sa.Column("bot_id", sa.Uuid(), nullable=False),
        sa.Column("relay", sa.Uuid(), nullable=False),
        sa.Column("lease_until", TIMESTAMP, nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("state_since", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.Column("heartbeat_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.Column("last_error_at", TIMESTAMP, nullable=True),
        sa.Column("created_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("state in ('pending', 'running', 'failed', 'stopped')", name=op.f("ck_pollers_state")),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_pollers_bot_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("bot_id", name=op.f("pk_pollers")),
    )


def _add_admissions() -> None:
    op.create_table(
        "admissions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("bot_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), server_default="", nullable=False),
        sa.Column("chat_id", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="asked", nullable=False),
        sa.Column("asked_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.Column("decided_at", TIMESTAMP, nullable=True),
        sa.Column("created_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("state in ('asked', 'approved', 'refused')", name=op.f("ck_admissions_state")),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_admissions_bot_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admissions")),
        sa.UniqueConstraint("bot_id", "user_id", name=op.f("uq_admissions_bot_id_user_id")),
    )
    op.create_index(
        "ix_admissions_code", "admissions", ["code"], unique=True, postgresql_where=sa.text("state = 'asked'")
    )


def _add_deliveries() -> None:
    names = ("thread_id", "user_id", "reply_to", "language")
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("bot_id", sa.Uuid(), nullable=False),
        sa.Column("turn_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("chat_id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in names),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("buttons", postgresql.JSONB(), nullable=True),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("parts", sa.Integer(), nullable=True),
        sa.Column("sent", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sending", sa.Integer(), nullable=True),
        sa.Column("repeated", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("message_ids", TEXTS, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("finished_at", TIMESTAMP, nullable=True),
        sa.Column("created_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("kind in ('answer', 'problem', 'notice')", name=op.f("ck_deliveries_kind")),
        sa.CheckConstraint("state in ('pending', 'sent', 'failed')", name=op.f("ck_deliveries_state")),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_deliveries_bot_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_deliveries_turn_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("turn_id", name=op.f("uq_deliveries_turn_id")),
        sa.UniqueConstraint("bot_id", "key", name=op.f("uq_deliveries_bot_id_key")),
    )
    op.create_index(
        "ix_deliveries_pending", "deliveries", ["bot_id", "id"], postgresql_where=sa.text("state = 'pending'")
    )


def downgrade() -> None:
    for table in ("deliveries", "rates", "admissions", "pollers"):
        op.drop_table(table)
    op.drop_index("ix_turns_created_at", "turns")
    op.drop_constraint(op.f("ck_turns_status"), "turns")
    op.execute("update turns set status = 'failed' where status in ('stopped', 'merged')")
    op.create_check_constraint(op.f("ck_turns_status"), "turns", "status in ('waiting', 'open', 'answered', 'failed')")
    for name in ("delivers", "reply_to", "stopping"):
        op.drop_column("turns", name)
    op.drop_column("chat_sessions", "forget_at")
    for name in ("ck_bots_token", "ck_bots_triggers", "ck_bots_access"):
        op.drop_constraint(op.f(name), "bots")
    names = "language", "llm_chain", "username", "owner_id", "access", "sealed_token", "telegram_id", "triggers"
    lists = "called", "keywords", "allowed_user_ids", "allowed_chat_ids"
    limits = "messages_per_minute", "max_concurrent_turns", "max_answer_length"
    for name in (*names, *lists, *limits):
        op.drop_column("bots", name)
