"""The life of a turn: waiting, open, then answered or failed. Each function is one statement.

A turn is accepted with its message in one statement, which also reads the past for it: on the usual way there is
nothing to wait for. It is open when no earlier turn of its session is unfinished; otherwise it waits, and opens itself
when that has become true. A unique index allows one open turn per session, so a race ends in a refused statement.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from backend.chat.presence import CHANNEL, OWNER_IS_GONE
from backend.database import Database, Record
from backend.errors import Conflict, Invalid, Unavailable
from backend.llm import Call
from backend.llm.calls import as_rows, insert_calls
from backend.memory import Promise, insert_promises
from backend.memory.scopes import BotNotFound
from backend.memory.transcript import Past, as_past, past_of


class KeyReused(Invalid):
    """This key was used before, with another text."""


class SessionBusy(Conflict):
    """The session is still answering earlier messages."""


class TurnInterrupted(Unavailable):
    """The answering was interrupted. Ask again with the same key."""

    def __init__(self) -> None:
        super().__init__(retry_after=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A person's message, as a client delivers it; `key` is already hashed with whom it belongs to."""

    bot: str
    chat_id: str
    thread_id: str
    user_id: str
    user_name: str
    chat_type: str
    language: str
    text: str
    tokens: int
    key: UUID | None


@dataclass(frozen=True, slots=True)
class Turn:
    """One attempt to answer; a later attempt has a higher number, and what an earlier one records is refused.

    `scopes` are where the session's memory is: its own, and the bot's.
    """

    id: UUID
    session_id: UUID
    position: int
    attempt: int
    persona: str
    bot_name: str
    scopes: tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A turn to be answered: at once, with the `past` that was read with it, or, without one, after a wait.

    `remembers_more` is whether its memory may hold anything beside this session.
    """

    turn: Turn
    past: Past | None
    remembers_more: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """A turn that was accepted before, with what was said in it."""

    turn: Turn
    status: str
    question: str
    answer: str | None
    model: str | None


ACCEPT = f"""
with bot as (
    select id, name, persona, memory_scope(id, 'bot', '', '', '') as scope from bots where slug = $1 and enabled
), known as (
    select id, last_position from chat_sessions
    where chat_id = $2 and thread_id = $3 and user_id = $4 and bot_id = (select id from bot) and is_active
), session as (
    insert into chat_sessions as session
        (bot_id, chat_id, thread_id, user_id, chat_type, language, last_position, messages_since_summary)
    select bot.id, $2, $3, $4, $5, $6, 2, 1 from bot
    on conflict (chat_id, user_id, thread_id, bot_id) where is_active do update set
        last_position = session.last_position + 2,
        messages_since_summary = session.messages_since_summary + 1,
        language = coalesce(nullif(excluded.language, ''), session.language)
    returning id, last_position - 1 as position, scope
), turn as (
    insert into turns (id, session_id, key, owner, position, status)
    -- Where the row's lock was waited for, this statement sees an older past than the one it has now: another turn may
    -- have been accepted meanwhile. Then it waits as well, and looks again.
    select $7, session.id, $8, $9, session.position, case when
        coalesce((select last_position from known), 0) <> session.position - 1
        or exists (select from turns where session_id = session.id and status in ('waiting', 'open'))
    then 'waiting' else 'open' end
    from session returning session_id, position, status
), message as (
    insert into messages (session_id, turn_id, position, role, speaker, content, tokens)
    select session_id, $7, position, 'user', $15, $10, $11 from turn returning id, session_id, role, speaker
), promised as ({insert_promises("message", 13)})
select turn.session_id, turn.position, turn.status, bot.persona, bot.name, session.scope, bot.scope as bot_scope,
    past.*,
    exists (select from chat_sessions where scope = session.scope and id <> session.id)
        or exists (select from documents where scope in (session.scope, bot.scope)) as remembers_more,
    -- This commit does not wait for the disk: nobody is told of it before the turn is closed, which brings both there.
    -- If it is lost with Postgres, there is nothing to be closed, and the client asks again.
    set_config('synchronous_commit', 'off', true)
from turn cross join session cross join bot left join known on true
cross join lateral ({past_of("known.id", before="turn.position", limit="$12")}) past
"""

FIND = """
select turn.id, turn.session_id, turn.position, turn.attempt, turn.status, turn.model, bot.persona, bot.name,
    session.scope, memory_scope(bot.id, 'bot', '', '', '') as bot_scope,
    question.content as question, answer.content as answer
from turns turn join chat_sessions session on session.id = turn.session_id join bots bot on bot.id = session.bot_id
left join messages question on question.session_id = turn.session_id and question.position = turn.position
left join messages answer on answer.session_id = turn.session_id and answer.position = turn.position + 1
where turn.key = $1
"""

OPEN = """
update turns set status = 'open'
where id = $1 and attempt = $2 and status = 'waiting' and not exists (
    select from turns earlier where earlier.session_id = turns.session_id
        and earlier.position < turns.position and earlier.status in ('waiting', 'open')
)
returning id
"""

STILL_WAITING = "select from turns where id = $1 and attempt = $2 and status = 'waiting'"

# The message moves to the end: what was said since is older now, and the summary may reach beyond its old place.
REOPEN = """
with session as (
    update chat_sessions set last_position = last_position + 2
    where id = (select session_id from turns where id = $1 and attempt = $2 and status = 'failed')
    returning last_position - 1 as position
), turn as (
    update turns set status = 'waiting', attempt = attempt + 1, owner = $3, position = session.position,
        problem = null, finished_at = null
    from session where id = $1 and attempt = $2 and status = 'failed'
    returning turns.position, attempt
), moved as (
    update messages set position = turn.position from turn where turn_id = $1 and role = 'user'
)
select position, attempt from turn
"""

# Told to the other processes only when somebody waits: NOTIFY makes commits queue up. The session is a parameter, not
# the turn's column, so that its index is looked up: a join would read all unfinished turns, and many just finished.
TELL_WAITING = f"""
select pg_notify('{CHANNEL}', $3::text) from turn
where exists (select from turns where session_id = $3::uuid and status = 'waiting')
"""

# The session's row is locked before the turn's, as `ACCEPT` and `REOPEN` do it: another order would be a deadlock.
CLOSE = f"""
with session as (
    update chat_sessions set
        messages_since_summary = messages_since_summary + 1,
        summary_asked_at = case
            -- Messages that wait are counted, but cannot be folded in yet: see memory/folding.py.
            when $10 > 0 and ($11 or messages_since_summary + 1 >= $10 + (
                    select count(*) from turns where session_id = $3 and status = 'waiting'
                ))
                and (summary_asked_at is null or summary_asked_at < now() - make_interval(secs => $12))
            then now() else summary_asked_at end
    where id = $3
        and exists (select from turns where session_id = $3 and id = $1 and attempt = $2 and status = 'open')
    returning id, summary_asked_at is not distinct from now() as due, scope
), turn as (
    update turns set status = 'answered', finished_at = now(), model = $6, milliseconds = $7, window_tokens = $8,
        summary_version = $9, recalled = $17
    from session
    where turns.session_id = $3 and turns.id = $1 and attempt = $2 and status = 'open'
    returning session_id, position, session.due
), message as (
    insert into messages (session_id, turn_id, position, role, speaker, content, tokens, model)
    select session_id, $1, position + 1, 'assistant', $16, $4, $5, $6 from turn returning id, session_id, role, speaker
), promised as ({insert_promises("message", 14)}), calls as ({insert_calls("turn", "$13")}), told as ({TELL_WAITING})
select due, (select count(*) from told) from turn
"""

FAIL = f"""
with turn as (
    update turns set status = 'failed', finished_at = now(), problem = $4
    where session_id = $3 and id = $1 and attempt = $2 and status in ('waiting', 'open')
    returning session_id
), calls as ({insert_calls("turn", "$5")}), told as ({TELL_WAITING})
select (select count(*) from told) from turn
"""

FAIL_ORPHANS = f"""
with orphan as (
    update turns set status = 'failed', finished_at = now(), problem = $1
    where status in ('waiting', 'open') and {OWNER_IS_GONE}
    returning session_id
)
select session_id, pg_notify('{CHANNEL}', session_id::text) from orphan
"""


async def accept(db: Database, asked: Asked, promise: Promise, *, owner: int, most_lines: int) -> Accepted | None:
    """Store the message, what is promised of it, and its turn, once; None if its key is known. Raises `BotNotFound`."""
    turn_id = uuid4()
    while True:
        try:
            rows = await db.run(
                ACCEPT, asked.bot, asked.chat_id, asked.thread_id, asked.user_id, asked.chat_type, asked.language,
                turn_id, asked.key, owner, asked.text, asked.tokens, most_lines, promise.pieces, promise.worth,
                asked.user_name,
            )  # fmt: skip
        except asyncpg.UniqueViolationError as violation:
            if violation.constraint_name == "uq_turns_key":
                return None
            continue  # another turn of the session opened at this very moment: look again, and wait behind it
        if not rows:
            raise BotNotFound
        row = rows[0]
        turn = _turn(row, turn_id, row["position"], 1)
        return Accepted(turn, as_past(row) if row["status"] == "open" else None, row["remembers_more"])


def _turn(row: Record, id: UUID, position: int, attempt: int) -> Turn:
    scopes = row["scope"], row["bot_scope"]
    return Turn(id, row["session_id"], position, attempt, row["persona"], row["name"], scopes)


async def find(db: Database, key: UUID) -> Known | None:
    """The turn of a key, if it still exists."""
    for row in await db.run(FIND, key):
        turn = _turn(row, row["id"], row["position"], row["attempt"])
        return Known(turn, row["status"], row["question"], row["answer"], row["model"])
    return None


async def open_turn(db: Database, turn: Turn) -> bool:
    """True if it is this turn's turn now. Raises `TurnInterrupted` if it no longer waits."""
    try:
        if await db.run(OPEN, turn.id, turn.attempt):
            return True
    except asyncpg.UniqueViolationError:  # an earlier one is open: it was not yet visible
        return False
    if not await db.run(STILL_WAITING, turn.id, turn.attempt):
        raise TurnInterrupted
    return False


async def reopen(db: Database, found: Known, *, owner: int) -> Turn | None:
    """A failed turn, waiting to be answered once more; None if somebody else was faster."""
    turn = found.turn
    for row in await db.run(REOPEN, turn.id, turn.attempt, owner):
        return replace(turn, position=row["position"], attempt=row["attempt"])
    return None


@dataclass(frozen=True, slots=True)
class Closing:
    """What is recorded with an answer; `recalled` tells what memory found for it."""

    text: str
    tokens: int
    model: str
    milliseconds: int
    window_tokens: int
    summary_version: int | None
    calls: tuple[Call, ...]
    promise: Promise
    recalled: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class SummaryRule:
    """When a summary is asked for: at so many messages (0: never), or when the window is full; not twice in a while."""

    threshold: int
    window_full: bool
    not_again_within: float


async def close_turn(db: Database, turn: Turn, closing: Closing, rule: SummaryRule) -> bool:
    """Record the answer; true if a summary is due. Raises `TurnInterrupted` if this attempt has lost the turn."""
    closed = await db.run(
        CLOSE, turn.id, turn.attempt, turn.session_id, closing.text, closing.tokens, closing.model,
        closing.milliseconds, closing.window_tokens, closing.summary_version, rule.threshold, rule.window_full,
        rule.not_again_within, as_rows(closing.calls), closing.promise.pieces, closing.promise.worth,
        turn.bot_name, closing.recalled,
    )  # fmt: skip
    if not closed:
        raise TurnInterrupted
    return bool(closed[0]["due"])


async def fail_turn(db: Database, turn: Turn, problem: str, calls: tuple[Call, ...] = ()) -> None:
    """Record that this attempt has ended without an answer; its key may be asked again."""
    await db.run(FAIL, turn.id, turn.attempt, turn.session_id, problem, as_rows(calls))


async def fail_orphans(db: Database) -> list[UUID]:
    """Fail the turns whose process has died; returns their sessions."""
    return [row["session_id"] for row in await db.run(FAIL_ORPHANS, TurnInterrupted.type())]
