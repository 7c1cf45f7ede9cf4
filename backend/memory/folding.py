"""Which messages the next summary folds in, and how it is stored: each exactly once, whoever else is at it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from backend.database import Database, Transaction
from backend.llm import Completion
from backend.llm.calls import record_calls
from backend.llm.tokens import count_tokens
from backend.memory.summary import Draft
from backend.memory.transcript import Line, Summary, as_summary
from backend.memory.window import render


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings of memory: a budget in tokens, the others in messages; and how many passages are recalled at most."""

    context_tokens: int
    short_history: int
    summary_threshold: int
    summary_new_messages: int
    passages: int

    @property
    def full(self) -> int:
        """Tokens at which a summary is asked for, however few the messages: before any of them has to be dropped."""
        return self.context_tokens * 3 // 4

    @property
    def one_pass(self) -> int:
        """Tokens folded at once, so that the model has room for the record and its answer."""
        return self.context_tokens * 3 // 5


@dataclass(frozen=True, slots=True)
class Fold:
    """The summary so far, and the messages that come into the next."""

    previous: Summary | None
    lines: Sequence[Line]
    last_message_id: int
    last_position: int

    @property
    def version(self) -> int:
        return self.previous.version + 1 if self.previous else 1


# Only what lies before the first unfinished turn: its answer will stand right behind its question, and must not
# come to lie behind the summary's back.
NEXT = """
with summary as (
    select version, content as story, facts, last_position as summary_position, tokens as summary_tokens
    from conversation_summaries
    where session_id = $1 order by version desc limit 1
), since as (
    select id, position, role, content, tokens from messages
    where session_id = $1 and position > coalesce((select summary_position from summary), 0)
        and position < coalesce((
            select min(position) from turns where session_id = $1 and status in ('waiting', 'open')
        ), 9223372036854775807)
)
select bot.persona, summary.*, message.*,
    (select count(*) from since) as count, (select sum(tokens) from since) as sum
from (select * from since order by position limit $2) message left join summary on true
join chat_sessions session on session.id = $1 join bots bot on bot.id = session.bot_id
order by message.position
"""

LOCK = "select from chat_sessions where id = $1 for no key update"

STORE = """
insert into conversation_summaries
    (session_id, version, content, facts, last_message_id, last_position, tokens, model)
values ($1, $2, $3, $4, (select id from messages where id = $5), $6, $7, $8)
on conflict (session_id, version) do nothing returning id
"""

# Marked as asked for now, so that the next sweep leaves the time to do it.
OVERDUE = """
update chat_sessions set summary_asked_at = now()
where id in (
    select id from chat_sessions where summary_asked_at < now() - make_interval(secs => $1)
    order by summary_asked_at limit 100 for update skip locked
)
returning id
"""

COUNT_ANEW = """
update chat_sessions set summary_asked_at = null, messages_since_summary = (
    select count(*) from messages where session_id = $1 and position > $2
) where id = $1
"""


async def next_fold(db: Database, session_id: UUID, limits: Limits) -> Fold | None:
    """What is due to be folded, oldest first; None if nothing is."""
    rows = await db.run(NEXT, session_id, limits.summary_new_messages + limits.short_history)
    if not rows:
        return None
    always = count_tokens(rows[0]["persona"]) + (rows[0]["summary_tokens"] or 0)  # these are in every window
    if rows[0]["count"] < limits.summary_threshold and always + rows[0]["sum"] <= limits.full:
        return None
    lines = [Line(row["role"], row["content"], row["tokens"]) for row in rows]
    staying = verbatim(lines, limits, always) if len(rows) == rows[0]["count"] else 0
    folded = shorten(lines[: len(lines) - staying][: limits.summary_new_messages], limits.one_pass)
    if not folded:
        return None
    last = rows[len(folded) - 1]
    return Fold(as_summary(rows[0]), folded, last["id"], last["position"])


def verbatim(lines: Sequence[Line], limits: Limits, always: int) -> int:
    """How many of the newest lines stay as they are: as many as is usual, fewer if they are long.

    They may take half of the budget that is left by what is in every window, in tokens.
    """
    count, left = 0, (limits.context_tokens - always) // 2
    for line in reversed(lines[-limits.short_history :] if limits.short_history else []):
        left -= line.tokens
        if left < 0:
            break
        count += 1
    return count


def shorten(lines: Sequence[Line], budget: int) -> list[Line]:
    """The first lines that fit into a budget of tokens, and at least one, cut in its middle if it must be."""
    fitting: list[Line] = []
    left = budget
    for line in lines:
        if fitting and line.tokens > left:
            break
        fitting.append(cut(line, budget))
        left -= line.tokens
    return fitting


def cut(line: Line, budget: int) -> Line:
    """The line, or its beginning and its end if it takes more than the budget of tokens."""
    if line.tokens <= budget:
        return line
    half = max(1, len(line.content) * budget // line.tokens // 2)
    return Line(line.role, f"{line.content[:half]} […] {line.content[-half:]}", budget)


async def overdue(db: Database, seconds: float) -> list[UUID]:
    """Sessions whose summary was asked for so many seconds ago and has not come."""
    return [row["id"] for row in await db.run(OVERDUE, seconds)]


async def store_fold(tx: Transaction, session_id: UUID, fold: Fold, draft: Draft, completion: Completion) -> bool:
    """Store the next version; false if another worker was faster, or the session is gone."""
    if not await tx.fetch(LOCK, session_id):
        return False
    stored = await tx.fetch(
        STORE, session_id, fold.version, draft.story, [asdict(fact) for fact in draft.facts],
        fold.last_message_id, fold.last_position, count_tokens(render(draft.story, draft.facts)), completion.model,
    )  # fmt: skip
    if stored:
        await tx.execute(COUNT_ANEW, session_id, fold.last_position)
    await record_calls(tx, session_id, completion.calls)
    return bool(stored)
