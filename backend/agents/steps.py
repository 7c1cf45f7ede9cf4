"""Steps as they are carried out: what is known of one, and how it is recorded that it went on or has ended."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from backend.agents.claims import Claim, held
from backend.agents.course import as_steps, leaves
from backend.agents.settling import STEPS, After, PromiseOf, settle
from backend.agents.storable import storable, storable_json
from backend.agents.types import Able, Done, Input, PlannedStep, Thought
from backend.database import Database, Record, Transaction
from backend.llm import Call
from backend.llm.calls import record_calls

# Who has no dependencies in a new plan goes on from what the plan before has brought.
READ = """
select step.id, step.kind, step.action, step.agent, step.history, step.rounds, step.result, step.feedback,
    run.id as run_id, run.request, run.kind as run_kind, run.model_calls, run.tokens, run.max_model_calls,
    run.max_tokens, run.milliseconds, run.max_minutes, session.id as session_id, session.bot_id, session.user_id,
    session.chat_id, session.thread_id, session.scope, session.language, bot.slug as bot, bot.llm_chain as bot_chain,
    agent.instructions, agent.skills, agent.llm_chain, inputs.inputs
from run_steps step join agent_runs run on run.id = step.run_id
join chat_sessions session on session.id = run.session_id join bots bot on bot.id = session.bot_id
left join lateral (
    select instructions, skills, llm_chain from agents
    where slug = step.agent and enabled and (bot_id is null or bot_id = bot.id)
        and (allowed_user_ids = '{}' or session.user_id = any(allowed_user_ids))
    order by bot_id is null limit 1
) agent on true
cross join lateral (
    select coalesce(jsonb_agg(jsonb_build_array(needed.action, coalesce(needed.result, '')) order by position), '[]')
        as inputs
    from run_steps needed where needed.run_id = run.id and needed.kind = 'act' and needed.status = 'completed'
        and (needed.position = any(step.depends_on) or step.depends_on = '{}' and needed.position < (
            select max(position) from run_steps plan
            where plan.run_id = run.id and plan.kind = 'plan' and plan.position < step.position
        ))
) inputs
where step.id = $1
"""
# A bot's own agent hides one of the same slug that every bot has.
ABLE = """
select distinct on (slug) slug, description, queue from agents
where enabled and (bot_id is null or bot_id = $1) and (allowed_user_ids = '{}' or $2 = any(allowed_user_ids))
order by slug, bot_id is null
"""
DONE = """
select action, case when problem is null then status else 'failed' end as status,
    coalesce(result, problem, '') as text
from run_steps where run_id = $1 and kind = 'act' and status not in ('pending', 'running', 'waiting')
order by position
"""
SPEND = """
update agent_runs set model_calls = model_calls + $2, tokens = tokens + $3, milliseconds = milliseconds + $4
where id = $1
"""
GO_ON = """
update run_steps set lease_until = null, lost = 0, history = coalesce($2, history), rounds = coalesce($3, rounds),
    feedback = coalesce($4, feedback), result = $5
where id = $1
"""
WAIT_A_WHILE = """
update run_steps set lease_until = null, lost = lost + 1, due_at = now() + make_interval(secs => $2) where id = $1
"""
COMPLETE = """
update run_steps set status = 'completed', lease_until = null, lost = 0, finished_at = now(),
    history = coalesce($2, history), result = $3
where id = $1
"""
FAIL = """
update run_steps set status = 'failed', lease_until = null, finished_at = now(), problem = $2 where id = $1
"""
ADD_STEPS = """
insert into run_steps (run_id, position, kind, agent, queue, action, depends_on)
select $1, base.position + planned.number, 'act', planned.agent, planned.queue, planned.action,
    array(select base.position + needed from unnest(planned.depends_on) as needed)
from (select max(position) as position from run_steps where run_id = $1) base
cross join rows from (jsonb_to_recordset($2::jsonb) as (agent text, queue text, action text, depends_on int[]))
    with ordinality as planned (agent, queue, action, depends_on, number)
"""


@dataclass(slots=True)
class Spent:
    """What a move of a step costs, as it becomes known."""

    since: float = field(default_factory=time.monotonic)
    calls: list[Call] = field(default_factory=list)
    requests: int = 0
    tokens: int = 0

    def add(self, calls: Sequence[Call], tokens: int = 0) -> None:
        """One request to a model: whoever was asked for it, and what was used."""
        self.requests += 1
        self.calls += calls
        self.tokens += tokens

    def milliseconds(self) -> int:
        return round((time.monotonic() - self.since) * 1000)


class StepFailed(Exception):
    """This step cannot be done; `problem` is a word that says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


async def read(db: Database, step_id: UUID) -> "Record | None":
    """Whatever is known of a step; None if it was deleted."""
    for row in await db.run(READ, step_id):
        return row
    return None


def inputs_of(step: Record) -> list[Input]:
    return [Input(title, text) for title, text in step["inputs"]]


async def who_is_able(db: Database, step: Record) -> dict[str, tuple[Able, str]]:
    """The agents that may work for this person, with their queues, by their slugs."""
    rows = await db.run(ABLE, step["bot_id"], step["user_id"])
    return {row["slug"]: (Able(row["slug"], row["description"]), row["queue"]) for row in rows}


async def what_is_done(db: Database, run_id: UUID) -> list[Done]:
    return [Done(row["action"], row["status"], row["text"]) for row in await db.run(DONE, run_id)]


class Steps:
    """Records what has come of a move, if the step is still this worker's, and settles its run.

    Everything raises `Lost` and `StorageUnavailable`, and tells what is to be rung for.
    """

    def __init__(self, db: Database, promise: PromiseOf) -> None:
        self._db = db
        self._promise = promise

    async def go_on(self, mine: Claim, spent: Spent, step: Record, thought: Thought) -> After:
        """The model wants calls: they are carried out by whoever takes the step next. It knows what was missing now."""
        told = None if step["feedback"] is None else ""
        return await self._record(mine, spent, GO_ON, storable_json(thought.history), step["rounds"] + 1, told, None)

    async def answer(self, mine: Claim, spent: Spent, thought: Thought, *, may_judge: bool) -> After:
        """The step's answer: it is completed, unless the run's result `may` be judged first, and this is the last."""
        history, text = storable_json(thought.history), storable(thought.text)
        async with self._db.begin() as tx:
            run = await held(tx, mine)
            if may_judge and await _is_last(tx, run, mine.step_id):
                await tx.execute(GO_ON, mine.step_id, history, None, None, text)
            else:
                await tx.execute(COMPLETE, mine.step_id, history, text)
            return await self._settle(tx, run, spent)

    async def judge(self, mine: Claim, spent: Spent, step: Record, missing: str) -> After:
        """The run's result was judged: something is `missing`, which the model is told, or nothing."""
        if missing:
            return await self._record(mine, spent, GO_ON, None, None, storable(missing), None)
        return await self._record(mine, spent, COMPLETE, None, step["result"])

    async def plan(self, mine: Claim, spent: Spent, steps: Sequence[PlannedStep], queues: dict[str, str]) -> After:
        """What was planned is to be done."""
        rows = [
            {
                "agent": step.agent,
                "queue": queues[step.agent],
                "action": storable(step.action),
                "depends_on": list(step.depends_on),
            }
            for step in steps
        ]
        async with self._db.begin() as tx:
            run = await held(tx, mine)
            await tx.execute(ADD_STEPS, run["id"], rows)
            await tx.execute(COMPLETE, mine.step_id, None, None)
            return await self._settle(tx, run, spent)

    async def fail(self, mine: Claim, spent: Spent, problem: str) -> After:
        return await self._record(mine, spent, FAIL, problem)

    async def wait_a_while(self, mine: Claim, spent: Spent, seconds: float) -> After:
        """Nobody could answer now; the sweep calls for the step when this time is over."""
        async with self._db.begin() as tx:
            run = await held(tx, mine)
            await tx.execute(WAIT_A_WHILE, mine.step_id, seconds)
            await self._pay(tx, run, spent)
        return After(unfinished=frozenset([mine.step_id]))

    async def so_far(self, run_id: UUID, step_id: UUID) -> tuple[str, str]:
        """What the run was to do, and its result if this step's answer is the last."""
        steps = as_steps(await self._db.run(STEPS, run_id))
        task = "\n".join(step.action for step in [step for step in steps if step.kind == "plan"][:1] or steps)
        done = [replace(step, status="completed") if step.id == step_id else step for step in steps]
        return task, "\n\n".join(step.result for step in leaves(done) if step.result)

    async def _record(self, mine: Claim, spent: Spent, statement: str, *values: Any) -> After:
        async with self._db.begin() as tx:
            run = await held(tx, mine)
            await tx.execute(statement, mine.step_id, *values)
            return await self._settle(tx, run, spent)

    async def _settle(self, tx: Transaction, run: Record, spent: Spent) -> After:
        await self._pay(tx, run, spent)
        return await settle(tx, run, self._promise)

    async def _pay(self, tx: Transaction, run: Record, spent: Spent) -> None:
        await tx.execute(SPEND, run["id"], spent.requests, spent.tokens, spent.milliseconds())
        await record_calls(tx, run["session_id"], spent.calls)


async def _is_last(tx: Transaction, run: Record, step_id: UUID) -> bool:
    """Whether all that is worth judging is there once this step is completed."""
    others = [step for step in as_steps(await tx.fetch(STEPS, run["id"])) if step.id != step_id]
    return all(step.status in ("completed", "replaced") for step in others)
