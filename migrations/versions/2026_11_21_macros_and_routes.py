"""What the gateway knows: macros that a message may ask for, and what was decided about each message."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

revision = "0010"
down_revision = "0009"

TRANSLATE: Mapping[str, Any] = {
    "slug": "translate-document",
    "name": "Translate a document",
    "description": "Translates a whole text that the person gives, keeping its layout. Not for single words.",
    "template": (
        "Translate the text into {{language}}, from its first line to its last. The text is {{text}} if that is "
        "given, otherwise what the person's message holds beside the request. Keep headings, lists, tables, code, "
        "links and numbers as they are; names of people and products stay. The tone is {{tone}}. Answer with the "
        "translation and nothing else."
    ),
    "parameters": {
        "language": {
            "type": "string",
            "description": "The language to translate into, in English, for example German.",
            "required": True,
        },
        "tone": {
            "type": "choice",
            "description": "How it should sound.",
            "choices": ["as in the original", "formal", "plain"],
            "default": "as in the original",
        },
        "text": {
            "type": "string",
            "description": "The text, word for word; only if the person's last message does not hold it.",
        },
    },
}
COMMIT: Mapping[str, Any] = {
    "slug": "generate-commit-message",
    "name": "Write a commit message",
    "description": "Writes a git commit message for a diff, or for a description of changes, that the person gives.",
    "template": (
        "Write a git commit message for the changes, which are {{changes}} if that is given, otherwise what the "
        "person's message holds. The form is {{form}}. First a line in the imperative, without a full stop; then, "
        "unless the change is trivial, an empty line and a body that says why, as far as the changes tell. No line is "
        "longer than 72 characters. Claim nothing that the changes do not show. Answer with the message alone, in a "
        "code block."
    ),
    "parameters": {
        "form": {
            "type": "choice",
            "description": "Conventional Commits begin with a type, as in `fix(api): …`.",
            "choices": ["plain", "Conventional Commits"],
            "default": "plain",
        },
        "changes": {
            "type": "string",
            "description": "The diff, or what was changed, word for word; only if the last message does not hold it.",
        },
    },
}  # fmt: skip
# Nobody has asked for them yet: a macro that is enabled is offered to the model in every call.
SHIP = sa.text("""
insert into macros (slug, name, description, template, parameters, enabled)
values (:slug, :name, :description, :template, cast(:parameters as jsonb), false)
""")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _add_macros()
    _add_routes()
    for macro in (TRANSLATE, COMMIT):
        op.get_bind().execute(SHIP, {**macro, "parameters": json.dumps(macro["parameters"])})


def _add_macros() -> None:
    op.create_table(
        "macros",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("bot_id", sa.Uuid(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("parameters", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_at", TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z][a-z0-9_-]{0,63}$'", name=op.f("ck_macros_slug")),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_macros_bot_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_macros")),
        sa.UniqueConstraint("bot_id", "slug", name=op.f("uq_macros_bot_id_slug")),
    )
    of_every_bot = sa.text("bot_id is null")
    op.create_index("ix_macros_of_every_bot", "macros", ["slug"], unique=True, postgresql_where=of_every_bot)


def _add_routes() -> None:
    strategies = "('chat', 'agent', 'macro', 'dynamic')"
    op.create_table(
        "routes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("turn_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("parameters", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("corrected_strategy", sa.Text(), nullable=True),
        sa.Column("corrected_target", sa.Text(), nullable=True),
        sa.Column("corrected_at", TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(f"strategy in {strategies}", name=op.f("ck_routes_strategy")),
        sa.CheckConstraint("mode in ('inline', 'categorizer')", name=op.f("ck_routes_mode")),
        sa.CheckConstraint(
            "outcome in ('followed', 'target-unknown', 'parameters-unfit', 'router-failed')",
            name=op.f("ck_routes_outcome"),
        ),
        sa.CheckConstraint(f"corrected_strategy in {strategies}", name=op.f("ck_routes_corrected_strategy")),
        sa.CheckConstraint(
            "(corrected_strategy is null) = (corrected_at is null)", name=op.f("ck_routes_corrected_at")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["chat_sessions.id"], name=op.f("fk_routes_session_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_routes_turn_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routes")),
        sa.UniqueConstraint("turn_id", name=op.f("uq_routes_turn_id")),
    )
    op.create_index("ix_routes_session_id_id", "routes", ["session_id", "id"])
    op.create_index(
        "ix_routes_corrected", "routes", ["session_id"], postgresql_where=sa.text("corrected_at is not null")
    )


def downgrade() -> None:
    op.drop_table("routes")
    op.drop_table("macros")
