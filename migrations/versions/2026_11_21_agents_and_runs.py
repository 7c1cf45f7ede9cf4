"""Agents, the runs in which they do what messages ask for, and the questions they ask before they act."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import TIMESTAMP as AT

revision = "0012"
down_revision = "0011"

TIMESTAMP = AT(timezone=True)
TEXTS = ARRAY(sa.Text())
KINDS = "'answer', 'problem', 'notice'"
OUTCOMES = "'followed', 'target-unknown', 'parameters-unfit', 'router-failed'"

# Whatever changes a run, or a confirmation, also by hand in the database, changes the card that people see.
CARDS = {
    "agent_runs": ("kind = 'run' and run_id = new.id", "update of status"),
    "run_steps": ("kind = 'run' and run_id = new.run_id", "insert or update of status, action"),
    "confirmations": ("confirmation_id = new.id", "update of state"),
}
TOUCH = """
create function touch_card_of_{table}() returns trigger language plpgsql as $$
begin
    update deliveries set changed = nextval('card_changes') where {whose};
    return null;
end
$$
"""
TOUCH_WHEN = "create trigger touch_card after {when} on {table} for each row execute function touch_card_of_{table}()"
# With its run, what a call was about is forgotten; that it happened is not.
SCRUB = """
create function scrub_skill_call() returns trigger language plpgsql as $$
begin
    new.arguments := '{}';
    new.result := null;
    return new;
end
$$
"""
SCRUB_WHEN = """
create trigger scrub before update of run_id on skill_calls
for each row when (new.run_id is null and old.run_id is not null) execute function scrub_skill_call()
"""
# With the last session of a memory goes the folder in which its people had agents work. Where that is, a worker knows.
FORGET_WORKSPACE = """
create function forget_workspace() returns trigger language plpgsql as $$
begin
    insert into forgotten_workspaces (scope)
    select old.scope where not exists (select from chat_sessions where scope = old.scope)
    on conflict do nothing;
    return null;
end
$$
"""
FORGET_WORKSPACE_WHEN = """
create trigger forget_workspace after delete on chat_sessions for each row execute function forget_workspace()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _add_agents()
    _add_grants()
    _add_agent_runs()
    _add_run_files()
    _add_run_steps()
    _add_skill_calls()
    _add_confirmations()
    _widen_deliveries()
    _widen_macros()
    _widen_messages()
    op.drop_constraint(op.f("ck_routes_outcome"), "routes")
    op.create_check_constraint(op.f("ck_routes_outcome"), "routes", f"outcome in ({OUTCOMES}, 'too-many-runs')")
    op.execute("create sequence card_changes")
    for table, (whose, when) in CARDS.items():
        op.execute(TOUCH.format(table=table, whose=whose))
        op.execute(TOUCH_WHEN.format(table=table, when=when))
    op.execute(SCRUB)
    op.execute(SCRUB_WHEN)
    op.create_table(
        "forgotten_workspaces",
        sa.Column("scope", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_forgotten_workspaces")),
    )
    op.execute(FORGET_WORKSPACE)
    op.execute(FORGET_WORKSPACE_WHEN)


def _add_agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("bot_id", sa.Uuid(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("skills", TEXTS, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("llm_chain", sa.Text(), server_default="", nullable=False),
        sa.Column("queue", sa.Text(), server_default="default", nullable=False),
        sa.Column("allowed_user_ids", TEXTS, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("max_model_calls", sa.Integer(), nullable=True),
        sa.Column("max_tool_calls", sa.Integer(), nullable=True),
        sa.Column("max_tokens", sa.Integer(), nullable=True),
        sa.Column("max_minutes", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("queue in ('high', 'default', 'low', 'browser')", name=op.f("ck_agents_queue")),
        sa.CheckConstraint("slug ~ '^[a-z][a-z0-9_-]{0,63}$'", name=op.f("ck_agents_slug")),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_agents_bot_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
        sa.UniqueConstraint("bot_id", "slug", name=op.f("uq_agents_bot_id_slug")),
    )
    op.create_index(
        "ix_agents_of_every_bot", "agents", ["slug"], unique=True, postgresql_where=sa.text("bot_id is null")
    )


def _add_grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("bot_id", sa.Uuid(), nullable=False),
        sa.Column("chat_id", sa.Text(), nullable=False),
        sa.Column("thread_id", sa.Text(), server_default="", nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("expires_at", TIMESTAMP, nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_grants_bot_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint(
            "bot_id",
            "chat_id",
            "thread_id",
            "user_id",
            "kind",
            name=op.f("uq_grants_bot_id_chat_id_thread_id_user_id_kind"),
        ),
    )
    op.create_index("ix_grants_expires_at", "grants", ["expires_at"])


def _add_agent_runs() -> None:
    op.create_table(
        "agent_runs",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("turn_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("replanned", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("model_calls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tool_calls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tokens", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_model_calls", sa.Integer(), nullable=False),
        sa.Column("max_tool_calls", sa.Integer(), nullable=False),
        sa.Column("max_tokens", sa.Integer(), nullable=False),
        sa.Column("max_minutes", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("started_at", TIMESTAMP, nullable=True),
        sa.Column("finished_at", TIMESTAMP, nullable=True),
        sa.Column("created_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("kind in ('agent', 'macro', 'dynamic')", name=op.f("ck_agent_runs_kind")),
        sa.CheckConstraint(
            "status in ('pending', 'running', 'waiting', 'completed', 'failed', 'cancelled', 'expired')",
            name=op.f("ck_agent_runs_status"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["chat_sessions.id"], name=op.f("fk_agent_runs_session_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_agent_runs_turn_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_runs")),
        sa.UniqueConstraint("turn_id", name=op.f("uq_agent_runs_turn_id")),
    )
    op.create_index("ix_agent_runs_newest", "agent_runs", ["created_at", "id"])
    op.create_index("ix_agent_runs_session_id_created_at", "agent_runs", ["session_id", "created_at"])
    op.create_index("ix_agent_runs_unsettled", "agent_runs", ["id"], postgresql_where=sa.text("finished_at is null"))
    op.create_index(
        "ix_agent_runs_unfinished",
        "agent_runs",
        ["id"],
        postgresql_where=sa.text("status in ('pending', 'running', 'waiting')"),
    )


def _add_run_files() -> None:
    op.create_table(
        "run_files",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["agent_runs.id"], name=op.f("fk_run_files_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_files")),
    )
    op.create_index(op.f("ix_run_files_run_id"), "run_files", ["run_id"])


def _add_run_steps() -> None:
    op.create_table(
        "run_steps",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="act", nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("queue", sa.Text(), server_default="default", nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("depends_on", ARRAY(sa.Integer()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lost", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", TIMESTAMP, nullable=True),
        sa.Column("due_at", TIMESTAMP, server_default=sa.text("now() + interval '30 seconds'"), nullable=False),
        sa.Column("history", JSONB(), nullable=True),
        sa.Column("rounds", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("feedback", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("started_at", TIMESTAMP, nullable=True),
        sa.Column("finished_at", TIMESTAMP, nullable=True),
        sa.Column("created_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("kind in ('plan', 'act')", name=op.f("ck_run_steps_kind")),
        sa.CheckConstraint("queue in ('high', 'default', 'low', 'browser')", name=op.f("ck_run_steps_queue")),
        sa.CheckConstraint(
            "status in ('pending', 'running', 'waiting', 'completed', 'failed', 'cancelled', 'expired', 'skipped',"
            " 'replaced')",
            name=op.f("ck_run_steps_status"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["agent_runs.id"], name=op.f("fk_run_steps_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_steps")),
        sa.UniqueConstraint("run_id", "position", name=op.f("uq_run_steps_run_id_position")),
    )
    op.create_index(
        "ix_run_steps_unfinished",
        "run_steps",
        ["run_id"],
        postgresql_where=sa.text("status in ('pending', 'running', 'waiting')"),
    )


def _add_skill_calls() -> None:
    op.create_table(
        "skill_calls",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("step_id", sa.Uuid(), nullable=True),
        sa.Column("bot_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("chat_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("skill", sa.Text(), nullable=False),
        sa.Column("arguments", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("effect", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), server_default="", nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("started_at", TIMESTAMP, nullable=True),
        sa.Column("finished_at", TIMESTAMP, nullable=True),
        sa.Column("created_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(
            "decision in ('safe', 'confirmed', 'granted', 'forbidden', 'cancelled', 'expired', 'unfit')",
            name=op.f("ck_skill_calls_decision"),
        ),
        sa.CheckConstraint(
            "state in ('asked', 'started', 'done', 'failed', 'refused', 'uncertain', 'cancelled', 'expired')",
            name=op.f("ck_skill_calls_state"),
        ),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_skill_calls_bot_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["agent_runs.id"], name=op.f("fk_skill_calls_run_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["step_id"], ["run_steps.id"], name=op.f("fk_skill_calls_step_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skill_calls")),
        sa.UniqueConstraint("step_id", "call_id", name=op.f("uq_skill_calls_step_id_call_id")),
    )
    op.create_index(op.f("ix_skill_calls_bot_id"), "skill_calls", ["bot_id"])
    op.create_index("ix_skill_calls_newest", "skill_calls", ["created_at", "id"])
    op.create_index(op.f("ix_skill_calls_run_id"), "skill_calls", ["run_id"])
    op.create_index("ix_skill_calls_user_id", "skill_calls", ["user_id", "id"])


def _add_confirmations() -> None:
    op.create_table(
        "confirmations",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("skill_call_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="action", nullable=False),
        sa.Column("skill", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("grants", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("always", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("expires_at", TIMESTAMP, nullable=False),
        sa.Column("answered_at", TIMESTAMP, nullable=True),
        sa.Column("answered_via", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("(state = 'waiting') = (answered_at is null)", name=op.f("ck_confirmations_answered_at")),
        sa.CheckConstraint("kind in ('action', 'repeat')", name=op.f("ck_confirmations_kind")),
        sa.CheckConstraint(
            "state in ('waiting', 'confirmed', 'cancelled', 'expired')", name=op.f("ck_confirmations_state")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["agent_runs.id"], name=op.f("fk_confirmations_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["skill_call_id"], ["skill_calls.id"], name=op.f("fk_confirmations_skill_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmations")),
        sa.UniqueConstraint("skill_call_id", "kind", name=op.f("uq_confirmations_skill_call_id_kind")),
    )
    op.create_index(op.f("ix_confirmations_run_id"), "confirmations", ["run_id"])
    op.create_index(
        "ix_confirmations_waiting", "confirmations", ["user_id", "id"], postgresql_where=sa.text("state = 'waiting'")
    )


def _widen_deliveries() -> None:
    op.add_column("deliveries", sa.Column("run_id", sa.Uuid(), nullable=True))
    op.add_column("deliveries", sa.Column("confirmation_id", sa.BigInteger(), nullable=True))
    op.add_column("deliveries", sa.Column("file_id", sa.BigInteger(), nullable=True))
    op.add_column("deliveries", sa.Column("changed", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("deliveries", sa.Column("shown", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_index(
        "ix_deliveries_changed",
        "deliveries",
        ["bot_id", "id"],
        postgresql_where=sa.text("changed > shown and state = 'sent'"),
    )
    op.create_index(
        "ix_deliveries_result",
        "deliveries",
        ["run_id"],
        unique=True,
        postgresql_where=sa.text("run_id is not null and kind = 'answer'"),
    )
    op.create_index(
        "ix_deliveries_run_id", "deliveries", ["run_id", "kind"], postgresql_where=sa.text("run_id is not null")
    )
    op.create_unique_constraint(op.f("uq_deliveries_confirmation_id"), "deliveries", ["confirmation_id"])
    op.create_unique_constraint(op.f("uq_deliveries_file_id"), "deliveries", ["file_id"])
    op.create_foreign_key(
        op.f("fk_deliveries_confirmation_id"),
        "deliveries",
        "confirmations",
        ["confirmation_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_foreign_key(
        op.f("fk_deliveries_file_id"), "deliveries", "run_files", ["file_id"], ["id"], ondelete="CASCADE"
    )
    op.create_foreign_key(
        op.f("fk_deliveries_run_id"), "deliveries", "agent_runs", ["run_id"], ["id"], ondelete="CASCADE"
    )
    op.drop_constraint(op.f("ck_deliveries_kind"), "deliveries")
    op.create_check_constraint(
        op.f("ck_deliveries_kind"), "deliveries", f"kind in ({KINDS}, 'run', 'confirmation', 'file')"
    )


def _widen_macros() -> None:
    op.add_column("macros", sa.Column("plan", JSONB(), nullable=True))
    op.alter_column("macros", "template", existing_type=sa.TEXT(), server_default="", existing_nullable=False)
    op.create_check_constraint(op.f("ck_macros_does_one_thing"), "macros", "(plan is null) = (template <> '')")


def _widen_messages() -> None:
    op.add_column("messages", sa.Column("run_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_messages_run_id", "messages", ["run_id"], unique=True, postgresql_where=sa.text("run_id is not null")
    )
    op.create_foreign_key(op.f("fk_messages_run_id"), "messages", "agent_runs", ["run_id"], ["id"], ondelete="SET NULL")


def downgrade() -> None:
    op.execute("drop trigger forget_workspace on chat_sessions")
    op.execute("drop function forget_workspace")
    op.drop_table("forgotten_workspaces")
    _narrow_messages()
    _narrow_deliveries()
    op.execute("delete from macros where plan is not null")
    op.drop_constraint(op.f("ck_macros_does_one_thing"), "macros")
    op.drop_column("macros", "plan")
    op.alter_column("macros", "template", server_default=None)
    op.execute("delete from routes where outcome = 'too-many-runs'")
    op.drop_constraint(op.f("ck_routes_outcome"), "routes")
    op.create_check_constraint(op.f("ck_routes_outcome"), "routes", f"outcome in ({OUTCOMES})")
    for table in ("confirmations", "skill_calls", "run_steps", "run_files", "agent_runs", "grants", "agents"):
        op.drop_table(table)
    op.execute(f"drop function scrub_skill_call, {', '.join(f'touch_card_of_{table}' for table in CARDS)}")
    op.execute("drop sequence card_changes")


def _narrow_messages() -> None:
    op.drop_constraint(op.f("fk_messages_run_id"), "messages")
    op.drop_index("ix_messages_run_id", table_name="messages")
    op.drop_column("messages", "run_id")


def _narrow_deliveries() -> None:
    op.execute(f"delete from deliveries where kind not in ({KINDS})")
    for index in ("ix_deliveries_run_id", "ix_deliveries_result", "ix_deliveries_changed"):
        op.drop_index(index, table_name="deliveries")
    op.drop_constraint(op.f("ck_deliveries_kind"), "deliveries")
    op.create_check_constraint(op.f("ck_deliveries_kind"), "deliveries", f"kind in ({KINDS})")
    for column in ("shown", "changed", "file_id", "confirmation_id", "run_id"):
        op.drop_column("deliveries", column)
