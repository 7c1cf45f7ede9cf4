"""The schema on one page, in the order Directus shows it.

Alembic and its check read it; statements are written as SQL where they are used. Defaults live in the database, because
Directus inserts rows without asking Python. `session` always means a chat session.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, JSONB, TIMESTAMP
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


QUEUES = "('high', 'default', 'low', 'browser')"
UNFINISHED = "('pending', 'running', 'waiting')"


class HALFVEC(UserDefinedType[Any]):
    """pgvector's vectors of two bytes per dimension, of any length."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "HALFVEC"


ischema_names["halfvec"] = HALFVEC  # so that Alembic's check knows it when it sees it


class Model(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar = {
        datetime: TIMESTAMP(timezone=True),
        str: Text(),
        dict[str, Any]: JSONB(),
        list[dict[str, str]]: JSONB(),
    }

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=1)


class _Numbered:
    """Rows that are only ever appended: their ids grow, so their index does too, at its end."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, sort_order=-1)


class _Named:
    """Rows whose id is told to the outside, or chosen by it."""

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"), sort_order=-1)


class Bot(_Named, Model):
    """A persona that people talk to, in Telegram if it has a token there.

    `sealed_token` is the token, encrypted; `telegram_id` is the number it begins with, so that no two bots share one.
    `triggers` say what is meant for the bot in a group. `owner_id` approves who may talk to it while `access` is
    `pairing`. Where a limit is null, the setting of the same name holds.
    """

    __tablename__ = "bots"
    __table_args__ = (
        UniqueConstraint("slug"),
        UniqueConstraint("telegram_id"),
        CheckConstraint("access in ('everyone', 'list', 'pairing')", name="access"),
        CheckConstraint("triggers <@ array['mention', 'reply', 'name', 'keyword', 'command', 'all']", name="triggers"),
        CheckConstraint("(sealed_token is null) = (telegram_id is null)", name="token"),
    )

    slug: Mapped[str]
    name: Mapped[str]
    persona: Mapped[str] = mapped_column(server_default="")
    language: Mapped[str] = mapped_column(server_default="")
    llm_chain: Mapped[str] = mapped_column(server_default="")
    sealed_token: Mapped[str | None]
    telegram_id: Mapped[int | None] = mapped_column(BigInteger)
    username: Mapped[str] = mapped_column(server_default="")
    triggers: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{mention,reply,command}'"))
    called: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    keywords: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    access: Mapped[str] = mapped_column(server_default="everyone")
    owner_id: Mapped[str] = mapped_column(server_default="")
    allowed_user_ids: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    allowed_chat_ids: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    messages_per_minute: Mapped[int | None]
    max_concurrent_turns: Mapped[int | None]
    max_answer_length: Mapped[int | None]
    enabled: Mapped[bool] = mapped_column(server_default=true())


class Poller(Model):
    """Who receives a bot's updates from Telegram, and how it fares.

    `relay` is the `telegram_bot` process that may do so until `lease_until`; no other one does meanwhile.
    """

    __tablename__ = "pollers"
    __table_args__ = (CheckConstraint("state in ('pending', 'running', 'failed', 'stopped')", name="state"),)

    bot_id: Mapped[UUID] = mapped_column(ForeignKey("bots.id", ondelete="CASCADE"), primary_key=True)
    relay: Mapped[UUID]
    lease_until: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default="pending")
    state_since: Mapped[datetime] = mapped_column(server_default=func.now())
    heartbeat_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_error: Mapped[str] = mapped_column(server_default="")
    last_error_at: Mapped[datetime | None]


class Admission(_Numbered, Model):
    """Whether a person may talk to a bot that asks its owner first; by its `code` the owner names the one who asks."""

    __tablename__ = "admissions"
    __table_args__ = (
        UniqueConstraint("bot_id", "user_id"),
        Index("ix_admissions_code", "code", unique=True, postgresql_where=text("state = 'asked'")),
        CheckConstraint("state in ('asked', 'approved', 'refused')", name="state"),
    )

    bot_id: Mapped[UUID] = mapped_column(ForeignKey("bots.id", ondelete="CASCADE"))
    user_id: Mapped[str]
    user_name: Mapped[str] = mapped_column(server_default="")
    chat_id: Mapped[str]
    language: Mapped[str] = mapped_column(server_default="")
    code: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="asked")
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    decided_at: Mapped[datetime | None]


# When a person, or a whole bot, may send the next message: see `backend/bots/rates.py`. Worth nothing after a crash.
rates = Table(
    "rates",
    Model.metadata,
    Column("key", Text, primary_key=True),
    Column("full_until", TIMESTAMP(timezone=True), nullable=False),
    prefixes=["UNLOGGED"],
)


class Setting(Model):
    """A variable that was set in the console instead of the environment, which goes before it."""

    __tablename__ = "settings"
    __table_args__ = (CheckConstraint("name ~ '^[A-Z][A-Z0-9_]{0,63}$'", name="name"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[str]


class ChatSession(_Named, Model):
    """One person's conversation with one bot in one chat; closed by a reset, which can be undone for a moment.

    `scope` says whose memory it belongs to: a person's private sessions with a bot share one; a group's topic has one.
    `last_position` is the last place given away in its transcript. `summary_asked_at` is set from the asking for a
    summary until it is stored, so that a lost job can be found. While its `mode` is `human`, an operator answers. No
    index stands on what every turn changes: an update of such a column would have to touch all of the row's indexes.
    """

    __tablename__ = "chat_sessions"
    __table_args__ = (
        Index(
            "ix_chat_sessions_one_active",
            "chat_id",
            "user_id",
            "thread_id",
            "bot_id",
            unique=True,
            postgresql_where=text("is_active"),
        ),
        Index("ix_chat_sessions_newest", "created_at", "id"),
        Index(
            "ix_chat_sessions_summary_asked_at",
            "summary_asked_at",
            postgresql_where=text("summary_asked_at is not null"),
        ),
        Index("ix_chat_sessions_forget_at", "forget_at", postgresql_where=text("forget_at is not null")),
        CheckConstraint("chat_type in ('private', 'group', 'supergroup', 'channel')", name="chat_type"),
        CheckConstraint("mode in ('bot', 'human')", name="mode"),
    )

    bot_id: Mapped[UUID] = mapped_column(ForeignKey("bots.id", ondelete="RESTRICT"), index=True)
    scope: Mapped[UUID] = mapped_column(
        Computed("memory_scope(bot_id, chat_type, user_id, chat_id, thread_id)", persisted=True), index=True
    )
    user_id: Mapped[str]
    chat_id: Mapped[str]
    thread_id: Mapped[str] = mapped_column(server_default="")
    chat_type: Mapped[str] = mapped_column(server_default="private")
    language: Mapped[str] = mapped_column(server_default="")
    mode: Mapped[str] = mapped_column(server_default="bot")
    is_active: Mapped[bool] = mapped_column(server_default=true())
    closed_at: Mapped[datetime | None]
    forget_at: Mapped[datetime | None]
    last_position: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    messages_since_summary: Mapped[int] = mapped_column(server_default=text("0"))
    summary_asked_at: Mapped[datetime | None]


class Turn(_Named, Model):
    """A message and what answers it.

    `position` is the message's place in the session; its answer has the next one. `attempt` counts the tries, so that
    a late one can be told from the current. `owner` is the backend process that answers it: see `chat/presence.py`.
    `key` is the client's idempotency key, hashed with whom it belongs to. `recalled` is what semantic memory found for
    it: by what, how strong, and which passages with which scores; null if there was nothing to search.

    A turn that `delivers` leaves its end as a delivery, which replies to the client's message `reply_to`; when its
    process dies, another one answers it. `shown_as` is the client's message that shows it while it is written. It is
    `merged` when the person went on writing at once: the next turn answers both messages. It is `stopping` when the
    person asks for that, and then `stopped`: what was written by then stays. A `human` answers it where an operator has
    taken the session over.
    """

    __tablename__ = "turns"
    __table_args__ = (
        UniqueConstraint("key"),
        UniqueConstraint("session_id", "position"),
        Index("ix_turns_one_open", "session_id", unique=True, postgresql_where=text("status = 'open'")),
        Index(
            "ix_turns_unfinished",
            "session_id",
            "position",
            postgresql_where=text("status in ('waiting', 'open')"),
        ),
        # Turns come in the order of time, and so they lie: a row for each megabyte of them, at 0.1 µs per turn.
        Index("ix_turns_created_at", "created_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        CheckConstraint(
            "status in ('waiting', 'open', 'answered', 'stopped', 'merged', 'failed', 'human')", name="status"
        ),
    )

    session_id: Mapped[UUID] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    key: Mapped[UUID | None]
    position: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int] = mapped_column(server_default=text("1"))
    owner: Mapped[int] = mapped_column(server_default=text("0"))
    status: Mapped[str] = mapped_column(server_default="waiting")
    delivers: Mapped[bool] = mapped_column(server_default=false())
    reply_to: Mapped[str] = mapped_column(server_default="")
    shown_as: Mapped[str] = mapped_column(server_default="")
    stopping: Mapped[bool] = mapped_column(server_default=false())
    problem: Mapped[str | None]
    model: Mapped[str | None]
    milliseconds: Mapped[int | None]
    window_tokens: Mapped[int | None]
    summary_version: Mapped[int | None]
    recalled: Mapped[dict[str, Any] | None]
    finished_at: Mapped[datetime | None]


class Agent(_Named, Model):
    """Who carries out a step of a run: instructions for a model, and the skills that it may use.

    Of one bot, or (without one) of every bot; a bot's own hides one of the same `slug` that every bot has. `skills`
    names skills, or whole families of them. Its steps are carried out on `queue`. Nobody in `allowed_user_ids` means
    that everybody who may talk to the bot may use it. Where a limit is null, the setting of the same name holds.
    """

    __tablename__ = "agents"
    __table_args__ = (
        UniqueConstraint("bot_id", "slug"),
        Index("ix_agents_of_every_bot", "slug", unique=True, postgresql_where=text("bot_id is null")),
        CheckConstraint("slug ~ '^[a-z][a-z0-9_-]{0,63}$'", name="slug"),
        CheckConstraint(f"queue in {QUEUES}", name="queue"),
    )

    bot_id: Mapped[UUID | None] = mapped_column(ForeignKey("bots.id", ondelete="CASCADE"))
    slug: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    instructions: Mapped[str]
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    llm_chain: Mapped[str] = mapped_column(server_default="")
    queue: Mapped[str] = mapped_column(server_default="default")
    allowed_user_ids: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    max_model_calls: Mapped[int | None]
    max_tool_calls: Mapped[int | None]
    max_tokens: Mapped[int | None]
    max_minutes: Mapped[int | None]
    enabled: Mapped[bool] = mapped_column(server_default=true())


class Macro(_Named, Model):
    """What a message may ask for by its meaning: a prompt, or a plan; of one bot, or (without one) of every bot.

    A bot's own hides one of the same `slug` that every bot has. `parameters` are, by name, what a model fills the
    template's `{{name}}` with: type, description, required, default and, of the type choice, choices. A `plan` is a
    list of steps, each with agent, action and `depends_on`, the numbers (from 1) of those whose results it needs.
    """

    __tablename__ = "macros"
    __table_args__ = (
        UniqueConstraint("bot_id", "slug"),
        Index("ix_macros_of_every_bot", "slug", unique=True, postgresql_where=text("bot_id is null")),
        CheckConstraint("slug ~ '^[a-z][a-z0-9_-]{0,63}$'", name="slug"),
        CheckConstraint("(plan is null) = (template <> '')", name="does_one_thing"),
    )

    bot_id: Mapped[UUID | None] = mapped_column(ForeignKey("bots.id", ondelete="CASCADE"))
    slug: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    template: Mapped[str] = mapped_column(server_default="")
    plan: Mapped[list[Any] | None] = mapped_column(JSONB())
    parameters: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    enabled: Mapped[bool] = mapped_column(server_default=true())


STRATEGIES = "('chat', 'agent', 'macro', 'dynamic')"


class Route(_Numbered, Model):
    """What the gateway decided about a message: how it was to be answered, and by what.

    Unless its outcome is `followed`, the message was answered as chat. `milliseconds` is what deciding took, null where
    the answer itself was the decision. What an operator would have decided is `corrected`.
    """

    __tablename__ = "routes"
    __table_args__ = (
        UniqueConstraint("turn_id"),
        Index("ix_routes_session_id_id", "session_id", "id"),
        Index("ix_routes_corrected", "session_id", postgresql_where=text("corrected_at is not null")),
        CheckConstraint(f"strategy in {STRATEGIES}", name="strategy"),
        CheckConstraint("mode in ('inline', 'categorizer')", name="mode"),
        CheckConstraint(
            "outcome in ('followed', 'target-unknown', 'parameters-unfit', 'too-many-runs', 'router-failed')",
            name="outcome",
        ),
        CheckConstraint(f"corrected_strategy in {STRATEGIES}", name="corrected_strategy"),
        CheckConstraint("(corrected_strategy is null) = (corrected_at is null)", name="corrected_at"),
    )

    turn_id: Mapped[UUID] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"))
    session_id: Mapped[UUID] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    strategy: Mapped[str]
    target: Mapped[str | None]
    parameters: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    why: Mapped[str] = mapped_column(server_default="")
    mode: Mapped[str]
    model: Mapped[str] = mapped_column(server_default="")
    milliseconds: Mapped[int | None]
    outcome: Mapped[str]
    corrected_strategy: Mapped[str | None]
    corrected_target: Mapped[str | None]
    corrected_at: Mapped[datetime | None]


class AgentRun(_Named, Model):
    """One execution of what a message asks for, by agents: its `request`, and how it fares.

    `kind` is the strategy, `target` the agent or the macro. It is `waiting` while all that could be done waits for a
    person, and a person does not count in `milliseconds`. What is spent is compared with the limits that held when it
    began. What is `replanned` was planned anew after a step failed: that happens once. Its `result` becomes a message
    of the session.
    """

    __tablename__ = "agent_runs"
    __table_args__ = (
        UniqueConstraint("turn_id"),
        Index("ix_agent_runs_newest", "created_at", "id"),
        Index("ix_agent_runs_session_id_created_at", "session_id", "created_at"),
        Index("ix_agent_runs_unsettled", "id", postgresql_where=text("finished_at is null")),
        Index("ix_agent_runs_unfinished", "id", postgresql_where=text(f"status in {UNFINISHED}")),
        CheckConstraint("kind in ('agent', 'macro', 'dynamic')", name="kind"),
        CheckConstraint(
            "status in ('pending', 'running', 'waiting', 'completed', 'failed', 'cancelled', 'expired')", name="status"
        ),
    )

    session_id: Mapped[UUID] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    turn_id: Mapped[UUID | None] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"))
    kind: Mapped[str]
    target: Mapped[str | None]
    title: Mapped[str]
    request: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="pending")
    replanned: Mapped[bool] = mapped_column(server_default=false())
    model_calls: Mapped[int] = mapped_column(server_default=text("0"))
    tool_calls: Mapped[int] = mapped_column(server_default=text("0"))
    tokens: Mapped[int] = mapped_column(server_default=text("0"))
    milliseconds: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    max_model_calls: Mapped[int]
    max_tool_calls: Mapped[int]
    max_tokens: Mapped[int]
    max_minutes: Mapped[int]
    result: Mapped[str | None]
    problem: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RunStep(_Named, Model):
    """One part of a run: an agent's `action`, or (`plan`) the making of the steps that follow.

    It is due when all that it `depends_on`, positions of the same run, is completed. Whoever carries it out has it
    until `lease_until`; `attempt` tells a late worker from the current one, and it is `lost` so often in a row that
    nothing came of one. Whoever could do it is called again at `due_at`, should the first call have been lost.

    `history` is what the model was told and said, in pydantic-ai's own form; `rounds` counts how often it has called
    skills. `feedback` says what was missing in its answer, once that was judged; it is empty when that has been said.
    """

    __tablename__ = "run_steps"
    __table_args__ = (
        UniqueConstraint("run_id", "position"),
        Index("ix_run_steps_unfinished", "run_id", postgresql_where=text(f"status in {UNFINISHED}")),
        CheckConstraint("kind in ('plan', 'act')", name="kind"),
        CheckConstraint(f"queue in {QUEUES}", name="queue"),
        CheckConstraint(
            "status in ('pending', 'running', 'waiting', 'completed', 'failed', 'cancelled', 'expired', 'skipped',"
            " 'replaced')",
            name="status",
        ),
    )

    run_id: Mapped[UUID] = mapped_column(ForeignKey("agent_runs.id", ondelete="CASCADE"))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(server_default="act")
    agent: Mapped[str | None]
    queue: Mapped[str] = mapped_column(server_default="default")
    action: Mapped[str]
    depends_on: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{}'"))
    status: Mapped[str] = mapped_column(server_default="pending")
    attempt: Mapped[int] = mapped_column(server_default=text("0"))
    lost: Mapped[int] = mapped_column(server_default=text("0"))
    lease_until: Mapped[datetime | None]
    due_at: Mapped[datetime] = mapped_column(server_default=text("now() + interval '30 seconds'"))
    history: Mapped[list[Any] | None] = mapped_column(JSONB())
    rounds: Mapped[int] = mapped_column(server_default=text("0"))
    feedback: Mapped[str | None]
    result: Mapped[str | None]
    problem: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class SkillCall(_Numbered, Model):
    """One call of a skill, as it is audited: who, by which bot, with which arguments, and what became of it.

    It is `started` before it is done, and recorded after: what has an `effect` and is found started when its worker has
    died may have happened (`uncertain`), and is never repeated without asking. In `arguments` secrets are redacted;
    they and the `result` go with the run, the rest stays. `origin` says whose words the result may hold. `decision` is
    null until it is known whether it may be done; `attempt` is that of the step which began it.
    """

    __tablename__ = "skill_calls"
    __table_args__ = (
        UniqueConstraint("step_id", "call_id"),
        Index("ix_skill_calls_newest", "created_at", "id"),
        Index("ix_skill_calls_user_id", "user_id", "id"),
        CheckConstraint(
            "decision in ('safe', 'confirmed', 'granted', 'forbidden', 'cancelled', 'expired', 'unfit')",
            name="decision",
        ),
        CheckConstraint(
            "state in ('asked', 'started', 'done', 'failed', 'refused', 'uncertain', 'cancelled', 'expired')",
            name="state",
        ),
    )

    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("agent_runs.id", ondelete="SET NULL"), index=True)
    step_id: Mapped[UUID | None] = mapped_column(ForeignKey("run_steps.id", ondelete="SET NULL"))
    bot_id: Mapped[UUID] = mapped_column(ForeignKey("bots.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str]
    chat_id: Mapped[str]
    call_id: Mapped[str]
    skill: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    effect: Mapped[bool] = mapped_column(server_default=false())
    decision: Mapped[str | None]
    state: Mapped[str]
    attempt: Mapped[int | None]
    result: Mapped[str | None]
    origin: Mapped[str] = mapped_column(server_default="")
    size: Mapped[int | None]
    milliseconds: Mapped[int | None]
    problem: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Confirmation(_Numbered, Model):
    """A question to a person before an action: confirmed, cancelled or expired, once.

    `kind` is `repeat` where the action may have happened already. `title` and `detail` show exactly what will run.
    With `grants`, a kind of action, the person may allow all of it in this chat for a while.
    """

    __tablename__ = "confirmations"
    __table_args__ = (
        UniqueConstraint("skill_call_id", "kind"),
        Index("ix_confirmations_waiting", "user_id", "id", postgresql_where=text("state = 'waiting'")),
        CheckConstraint("kind in ('action', 'repeat')", name="kind"),
        CheckConstraint("state in ('waiting', 'confirmed', 'cancelled', 'expired')", name="state"),
        CheckConstraint("(state = 'waiting') = (answered_at is null)", name="answered_at"),
    )

    run_id: Mapped[UUID] = mapped_column(ForeignKey("agent_runs.id", ondelete="CASCADE"), index=True)
    skill_call_id: Mapped[int] = mapped_column(ForeignKey("skill_calls.id", ondelete="CASCADE"))
    user_id: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="action")
    skill: Mapped[str]
    title: Mapped[str]
    detail: Mapped[str]
    grants: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="waiting")
    always: Mapped[bool] = mapped_column(server_default=false())
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_via: Mapped[str] = mapped_column(server_default="")


class Grant(_Numbered, Model):
    """One kind of action that a person has allowed in a chat, until it expires or is revoked."""

    __tablename__ = "grants"
    __table_args__ = (
        UniqueConstraint("bot_id", "chat_id", "thread_id", "user_id", "kind"),
        Index("ix_grants_expires_at", "expires_at"),
    )

    bot_id: Mapped[UUID] = mapped_column(ForeignKey("bots.id", ondelete="CASCADE"))
    chat_id: Mapped[str]
    thread_id: Mapped[str] = mapped_column(server_default="")
    user_id: Mapped[str]
    kind: Mapped[str]
    expires_at: Mapped[datetime]


class RunFile(_Numbered, Model):
    """A file that a run has made for the person, for example a picture of a page."""

    __tablename__ = "run_files"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("agent_runs.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    content: Mapped[bytes]


class ForgottenWorkspace(Model):
    """A memory whose last session was deleted, and whose folder of files must go as well."""

    __tablename__ = "forgotten_workspaces"

    scope: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)


class Message(_Numbered, Model):
    """One line of the transcript; `position` orders it within its session, with gaps.

    `speaker` is the name of who said it, as far as it is known. A run's result has its `run_id` and no turn. What is
    inserted without a position gets the next one by a trigger, and is delivered: so operators speak.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("session_id", "position"),
        Index("ix_messages_run_id", "run_id", unique=True, postgresql_where=text("run_id is not null")),
        CheckConstraint("role in ('user', 'assistant', 'system', 'tool')", name="role"),
    )

    session_id: Mapped[UUID] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    turn_id: Mapped[UUID | None] = mapped_column(ForeignKey("turns.id", ondelete="SET NULL"), index=True)
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("agent_runs.id", ondelete="SET NULL"))
    position: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    role: Mapped[str] = mapped_column(server_default="assistant")
    speaker: Mapped[str] = mapped_column(server_default="")
    content: Mapped[str]
    tokens: Mapped[int] = mapped_column(server_default=text("0"))
    model: Mapped[str | None]


class Delivery(_Numbered, Model):
    """Something a client should hand to a person: a turn's answer or its problem, or a notice.

    An answer's text is its message's; `content` is that of a notice, or the problem's type. The client cuts it into
    `parts`, of which the first `sent` have arrived, as the messages `message_ids`. `sending` is the part that may be on
    its way: written before it is sent, so that a client that was killed meanwhile knows. `repeated` counts the parts
    that were sent again for that reason. `key` keeps a notice from being written twice.

    A run's turn ends as a card (`run`) that shows how the run fares, and its result is an `answer` of its own. Cards,
    of confirmations too, go on changing after they were sent: the client edits them while `changed` is ahead of
    `shown`.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("turn_id"),
        UniqueConstraint("bot_id", "key"),
        Index("ix_deliveries_pending", "bot_id", "id", postgresql_where=text("state = 'pending'")),
        UniqueConstraint("confirmation_id"),
        UniqueConstraint("file_id"),
        Index("ix_deliveries_run_id", "run_id", "kind", postgresql_where=text("run_id is not null")),
        Index(
            "ix_deliveries_result",
            "run_id",
            unique=True,
            postgresql_where=text("run_id is not null and kind = 'answer'"),
        ),
        Index("ix_deliveries_changed", "bot_id", "id", postgresql_where=text("changed > shown and state = 'sent'")),
        CheckConstraint("kind in ('answer', 'problem', 'notice', 'run', 'confirmation', 'file')", name="kind"),
        CheckConstraint("state in ('pending', 'sent', 'failed')", name="state"),
    )

    bot_id: Mapped[UUID] = mapped_column(ForeignKey("bots.id", ondelete="CASCADE"))
    turn_id: Mapped[UUID | None] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"))
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("agent_runs.id", ondelete="CASCADE"))
    confirmation_id: Mapped[int | None] = mapped_column(ForeignKey("confirmations.id", ondelete="CASCADE"))
    file_id: Mapped[int | None] = mapped_column(ForeignKey("run_files.id", ondelete="CASCADE"))
    key: Mapped[str | None]
    chat_id: Mapped[str]
    thread_id: Mapped[str] = mapped_column(server_default="")
    user_id: Mapped[str] = mapped_column(server_default="")
    reply_to: Mapped[str] = mapped_column(server_default="")
    language: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str]
    content: Mapped[str | None]
    buttons: Mapped[list[Any] | None] = mapped_column(JSONB())
    state: Mapped[str] = mapped_column(server_default="pending")
    problem: Mapped[str | None]
    parts: Mapped[int | None]
    sent: Mapped[int] = mapped_column(server_default=text("0"))
    sending: Mapped[int | None]
    repeated: Mapped[int] = mapped_column(server_default=text("0"))
    changed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    shown: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    message_ids: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    finished_at: Mapped[datetime | None]


class ConversationSummary(_Numbered, Model):
    """The past of a session up to `last_position`, folded: a story, and the facts that must not get lost.

    `last_message_id` is the last message folded in; `last_position` still tells the place when that message is deleted.
    `changes` are the lines that the version before had otherwise. What an operator edits becomes the next version.
    """

    __tablename__ = "conversation_summaries"
    __table_args__ = (UniqueConstraint("session_id", "version"),)

    session_id: Mapped[UUID] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    version: Mapped[int]
    content: Mapped[str]
    facts: Mapped[list[dict[str, str]]] = mapped_column(server_default=text("'[]'::jsonb"))
    changes: Mapped[str] = mapped_column(server_default="")
    last_message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"), index=True)
    last_position: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int]
    model: Mapped[str | None]


DOCUMENT_SCOPE = """memory_scope(
    bot_id, case when chat_id <> '' then 'group' when user_id <> '' then 'private' else 'bot' end,
    user_id, chat_id, thread_id
)"""


class Document(_Named, Model):
    """A file that memory holds, in pieces: a person's, a group's, or (with neither) of the bot itself.

    `content` is the file until it was read. `due_at` is when the sweep looks after it: until then a worker that reads
    it has it for itself. `attempt` tells a late worker from the current one.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("scope", "sha256"),
        Index("ix_documents_newest", "created_at", "id"),
        Index("ix_documents_due", "due_at", postgresql_where=text("state in ('waiting', 'reading')")),
        CheckConstraint("state in ('waiting', 'reading', 'ready', 'failed')", name="state"),
        CheckConstraint("problem in ('unreadable', 'too-long', 'encrypted', 'empty')", name="problem"),
        CheckConstraint("user_id = '' or chat_id = ''", name="owner"),
    )

    bot_id: Mapped[UUID] = mapped_column(ForeignKey("bots.id", ondelete="RESTRICT"), index=True)
    scope: Mapped[UUID] = mapped_column(Computed(DOCUMENT_SCOPE, persisted=True))
    user_id: Mapped[str] = mapped_column(server_default="")
    chat_id: Mapped[str] = mapped_column(server_default="")
    thread_id: Mapped[str] = mapped_column(server_default="")
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    content: Mapped[bytes | None]
    state: Mapped[str] = mapped_column(server_default="waiting")
    attempt: Mapped[int] = mapped_column(server_default=text("0"))
    problem: Mapped[str | None]
    pieces: Mapped[int] = mapped_column(server_default=text("0"))
    due_at: Mapped[datetime] = mapped_column(server_default=text("now() + interval '60 seconds'"))
    finished_at: Mapped[datetime | None]


class Embedding(_Numbered, Model):
    """The promise that a piece of a message, or of a document, can be found by semantic memory.

    `piece` counts them; -1 is a message that was changed, as a whole, until the worker has cut it.
    `importance` is between 0 and 1. `indexed_at` is null until its vector is in the store. Who deletes a row leaves a
    `ForgottenVector`, by a trigger. `length`, in words that count, is null until they are in `words`; a trigger forgets
    the words of what is deleted, another sets both to null when the content changes.
    """

    __tablename__ = "embeddings"
    __table_args__ = (
        UniqueConstraint("message_id", "piece"),
        # Without the rows of messages: their writing is part of every turn.
        Index(
            "ix_embeddings_document_id_piece",
            "document_id",
            "piece",
            unique=True,
            postgresql_where=text("document_id is not null"),
        ),
        CheckConstraint(
            "num_nonnulls(message_id, document_id) = 1 and (message_id is null) = (session_id is null)", name="source"
        ),
        Index("ix_embeddings_pending", "id", postgresql_where=text("indexed_at is null")),
        Index("ix_embeddings_scope_id", "scope", "id"),
        Index("ix_embeddings_wordless", "id", postgresql_where=text("length is null")),
        Index("ix_embeddings_uncut", "message_id", postgresql_where=text("piece < 0")),
    )

    scope: Mapped[UUID]
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    piece: Mapped[int] = mapped_column(server_default=text("0"))
    role: Mapped[str]
    speaker: Mapped[str] = mapped_column(server_default="")
    content: Mapped[str]
    importance: Mapped[float] = mapped_column(server_default=text("0"))
    indexed_at: Mapped[datetime | None]
    length: Mapped[int | None]


# How often a stemmed word occurs in an embedding, and that one's length: all that ranking by words reads. `key` is the
# word within its scope, see `word_key` in the migration. No foreign key, which would be checked for every word.
words = Table(
    "words",
    Model.metadata,
    Column("key", BigInteger, autoincrement=False),
    Column("embedding_id", BigInteger, autoincrement=False, index=True),
    Column("times", SmallInteger, nullable=False),
    Column("length", SmallInteger, nullable=False),
    PrimaryKeyConstraint("key", "embedding_id", postgresql_include=["times", "length"]),
    postgresql_with={"autovacuum_vacuum_insert_scale_factor": "0.02"},
)

# What is known of a whole memory without reading it: how many embeddings have their words in it, how many words these
# have together, and who speaks there.
scopes = Table(
    "scopes",
    Model.metadata,
    Column("id", Uuid, primary_key=True),
    Column("pieces", Integer, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("speakers", ARRAY(Text), nullable=False),
)


class VectorIndex(Model):
    """All vectors that one embedder made in one store; searched while it is active.

    `indexing_until` is the lease of the one process that writes vectors.
    """

    __tablename__ = "vector_indexes"
    __table_args__ = (
        Index("ix_vector_indexes_one_active", "state", unique=True, postgresql_where=text("state = 'active'")),
        Index("ix_vector_indexes_one_building", "state", unique=True, postgresql_where=text("state = 'building'")),
        CheckConstraint("state in ('building', 'active', 'retired')", name="state"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True, sort_order=-1)
    store: Mapped[str]
    embedder: Mapped[str]
    dimensions: Mapped[int]
    state: Mapped[str]
    indexing_until: Mapped[datetime | None]


class Vector(Model):
    """What an embedder made of a piece, while vectors are kept in Postgres.

    `code` is the vector in a few bits per dimension. The index by scope carries it, so that a search reads nothing else
    until it knows which vectors are worth comparing; a foreign key's check finds its rows by the primary key.
    """

    __tablename__ = "vectors"
    __table_args__ = (Index("ix_vectors_scope", "index_id", "scope", postgresql_include=["embedding_id", "code"]),)

    embedding_id: Mapped[int] = mapped_column(ForeignKey("embeddings.id", ondelete="CASCADE"), primary_key=True)
    index_id: Mapped[int] = mapped_column(ForeignKey("vector_indexes.id", ondelete="CASCADE"), primary_key=True)
    scope: Mapped[UUID]
    code: Mapped[bytes] = mapped_column(BIT(varying=True))
    vector: Mapped[bytes] = mapped_column(HALFVEC())


class ForgottenVector(Model):
    """An embedding that was deleted, and whose vector must go as well."""

    __tablename__ = "forgotten_vectors"

    embedding_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, sort_order=-1)


class LlmCall(_Numbered, Model):
    """One request to one provider, whether it answered or not: what it cost and how it ended.

    It outlives its session, because it was paid for. `cost` is in US dollars, null when nobody told a price.
    """

    __tablename__ = "llm_calls"
    __table_args__ = (Index("ix_llm_calls_created_at", "created_at"),)

    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("chat_sessions.id", ondelete="SET NULL"), index=True)
    purpose: Mapped[str]
    provider: Mapped[str]
    model: Mapped[str]
    tokens_in: Mapped[int | None]
    tokens_out: Mapped[int | None]
    tokens_cached: Mapped[int | None]
    cost: Mapped[float | None] = mapped_column(Numeric(12, 8))
    milliseconds: Mapped[int]
    outcome: Mapped[str]
