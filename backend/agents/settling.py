"""What follows from a change of a run's steps, in the transaction of that change: what is due, and the run's end.

Whoever changes a run locks it first, behind its session, in the order in which turns are closed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.agents.course import Step, as_steps, doomed, due, ended, goes_on
from backend.agents.report import Deeds, report
from backend.agents.words import words_for
from backend.database import Record, Transaction
from backend.jobs import Jobs
from backend.llm.tokens import count_tokens
from backend.memory import Promise, insert_promises

PromiseOf = Callable[[str, str], Promise]

# Whoever was called by then, and has not come, is called again by the sweep.
CALL_AGAIN_SECONDS = 30

LOCK = """
with session as materialized (
    select id, bot_id, user_id, chat_id, thread_id, language, scope from chat_sessions
    where id = (select session_id from agent_runs where id = $1) for no key update
)
select run.*, bot_id, user_id, chat_id, thread_id, language, scope
from session join agent_runs run on run.session_id = session.id where run.id = $1 for update of run
"""
# What waits a while, because no model has answered, is as good as leased: the sweep calls for it.
STEPS = """
select id, position, kind, queue, action, depends_on, status, result, problem,
    status = 'running'
        and (lease_until > now() or lease_until is null and lost > 0 and due_at > now()) is true as leased
from run_steps where run_id = $1 order by position
"""
CALL = f"update run_steps set due_at = now() + interval '{CALL_AGAIN_SECONDS} seconds' where id = any($1)"
STAND = "update agent_runs set status = $2 where id = $1 and status <> $2"
END_STEPS = """
update run_steps set status = $2, lease_until = null, finished_at = now()
where id = any($1) and status in ('pending', 'running', 'waiting')
"""
END_RUN = """
update agent_runs set status = $2, result = $3, finished_at = now(),
    problem = (select problem from run_steps where run_id = $1 and status = 'failed' order by finished_at limit 1)
where id = $1
"""

# What was under way in a step that has ended without it may have happened.
LEAVE_CALLS = """
update skill_calls call set finished_at = now(),
    state = case when call.state = 'asked' then 'cancelled' when call.effect then 'uncertain' else 'failed' end,
    decision = case when call.state = 'asked' then 'cancelled' else call.decision end
from run_steps step
where step.id = call.step_id and step.run_id = $1 and call.state in ('asked', 'started')
    and step.status not in ('pending', 'running', 'waiting')
"""
LEAVE_CONFIRMATIONS = """
update confirmations set state = 'cancelled', answered_at = now(), answered_via = 'run'
where run_id = $1 and state = 'waiting' and skill_call_id in (
    select call.id from skill_calls call join run_steps step on step.id = call.step_id
    where step.run_id = $1 and step.status not in ('pending', 'running', 'waiting')
)
"""
# What was asked about is known by its title. A step may say that it has done what was refused, unless it has done the
# like afterwards.
DEEDS = """
select case when call.decision in ('forbidden', 'unfit') then 'refused'
    when call.state in ('failed', 'refused') then 'in_vain' when call.state = 'done' then 'acted'
    else call.state end as deed, coalesce(asked.title, call.skill) as title
from skill_calls call join run_steps step on step.id = call.step_id
left join confirmations asked on asked.skill_call_id = call.id and asked.kind = 'action'
where call.run_id = $1 and (
    call.state in ('failed', 'refused') and call.decision in ('confirmed', 'granted')
    or call.effect and call.decision in ('forbidden', 'unfit') and step.status = 'completed' and not exists (
        select from skill_calls later where later.step_id = call.step_id and later.id > call.id
            and later.skill = call.skill and later.state = 'done'
    )
    or call.effect and call.state = 'uncertain'
    or call.effect and call.state = 'done' and step.status in ('failed', 'cancelled', 'expired', 'skipped', 'replaced')
)
order by call.id
"""

# A failed step that is planned anew is replaced as well, with what has not begun; what is under way comes to its end.
PLAN_ANEW = """
with failed as (
    update run_steps set status = 'replaced' where run_id = $1 and status = 'failed' returning position, queue
), unbegun as (
    update run_steps set status = 'replaced', finished_at = now() where run_id = $1 and status = 'pending'
), run as (
    update agent_runs set replanned = true where id = $1
)
insert into run_steps (run_id, position, kind, queue, action, depends_on)
select $1, max(position) + 1, 'plan', (select queue from run_steps where run_id = $1 order by position limit 1), $2,
    coalesce(array_agg(position) filter (where status in ('running', 'waiting')), '{}')
from run_steps where run_id = $1
"""

SAY = f"""
with session as (
    update chat_sessions set last_position = last_position + 1, messages_since_summary = messages_since_summary + 1
    where id = $1 returning id, bot_id, last_position, scope
), message as (
    insert into messages (session_id, run_id, position, role, speaker, content, tokens)
    select session.id, $2, last_position, 'assistant', bot.name, $3, $4
    from session join bots bot on bot.id = session.bot_id
    returning id, session_id, role, speaker
), promised as ({insert_promises("message", 5)})
select id from message
"""
# Files go out before the words.
DELIVER = """
with place as (
    select talk.bot_id, talk.chat_id, talk.thread_id, talk.user_id, turn.reply_to, talk.language
    from agent_runs run join turns turn on turn.id = run.turn_id and turn.delivers
    join chat_sessions talk on talk.id = run.session_id
    where run.id = $1
)
insert into deliveries (bot_id, run_id, file_id, chat_id, thread_id, user_id, reply_to, language, kind)
select bot_id, $1, file_id, chat_id, thread_id, user_id, reply_to, language, kind
from place cross join (
    select id as file_id, 'file' as kind, id as place from run_files where run_id = $1
    union all select null, 'answer', null order by place nulls last
) handed
"""


@dataclass(frozen=True, slots=True)
class After:
    """What is to be rung for once a change of a run is committed; `unfinished` are the steps that are not over."""

    due: Sequence[Step] = ()
    unfinished: frozenset[UUID] = frozenset()
    ended: bool = False

    def ring(self, jobs: Jobs) -> None:
        for step in self.due:
            jobs.advance(step.queue, step.id)
        if self.ended:
            jobs.index()


async def lock(tx: Transaction, run_id: UUID) -> "Record | None":
    """The run, with whose it is; nobody else changes it until this transaction ends. None: it is gone."""
    return await tx.fetchrow(LOCK, run_id)


async def settle(tx: Transaction, run: Record, promise: PromiseOf) -> After:
    """Bring a locked run to where its steps are now. A status that is over already ends all of them."""
    steps = as_steps(await tx.fetch(STEPS, run["id"]))
    over = run["status"] not in ("pending", "running", "waiting")
    if over:
        await tx.execute(END_STEPS, [step.id for step in steps], "cancelled")
    elif _may_plan_anew(run, steps):
        await tx.execute(PLAN_ANEW, run["id"], run["request"])
    else:
        await tx.execute(END_STEPS, [step.id for step in doomed(steps)], "skipped")
    await tx.execute(LEAVE_CALLS, run["id"])
    await tx.execute(LEAVE_CONFIRMATIONS, run["id"])
    steps = as_steps(await tx.fetch(STEPS, run["id"]))
    if all(step.over for step in steps):
        await _end(tx, run, run["status"] if over else ended(steps), steps, promise)
        return After(ended=True)
    called = due(steps)
    await tx.execute(CALL, [step.id for step in called])
    await tx.execute(STAND, run["id"], goes_on(steps))
    return After(called, frozenset(step.id for step in steps if not step.over))


def _may_plan_anew(run: Record, steps: Sequence[Step]) -> bool:
    failed = [step for step in steps if step.status == "failed"]
    planned = run["kind"] == "dynamic" and not run["replanned"]
    return planned and any(step.kind == "act" and not (step.problem or "").startswith("limit-") for step in failed)


async def _end(tx: Transaction, run: Record, status: str, steps: Sequence[Step], promise: PromiseOf) -> None:
    """The run's last words are a message of its session, and handed to the person if its turn was."""
    titles: dict[str, list[str]] = {"acted": [], "in_vain": [], "refused": [], "uncertain": []}
    for row in await tx.fetch(DEEDS, run["id"]):
        titles[row["deed"]].append(row["title"])
    text = report(status, steps, Deeds(**titles), words_for(run["language"]))
    promised = promise("assistant", text)
    await tx.execute(END_RUN, run["id"], status, text)
    await tx.fetch(
        SAY, run["session_id"], run["id"], text, count_tokens(text), promised.pieces, promised.worth
    )  # fmt: skip
    await tx.execute(DELIVER, run["id"])
