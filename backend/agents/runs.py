"""Runs as people see them: listed, looked at, stopped, and what in them was called."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backend.agents.settling import After, PromiseOf, lock, settle
from backend.database import Database, Page, Record, as_page
from backend.errors import Conflict, NotFound


class RunNotFound(NotFound):
    """No such run."""


class RunOver(Conflict):
    """This run has come to its end before."""


class StepNotFound(NotFound):
    """No such step."""


class StepOver(Conflict):
    """This step has come to its end before."""


class FileNotFound(NotFound):
    """No such file."""


SELECT = """
select run.*, bot.slug as bot, session.user_id, session.chat_id, session.thread_id, session.chat_type
from agent_runs run join chat_sessions session on session.id = run.session_id join bots bot on bot.id = session.bot_id
"""
LIST = f"""{SELECT}
where ($1::text is null or bot.slug = $1) and ($2::text is null or session.user_id = $2)
    and ($3::uuid is null or run.session_id = $3) and ($4::text is null or run.status = $4)
    and (run.created_at, run.id) < (
        coalesce($5::timestamptz, 'infinity'), coalesce($6::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    )
order by run.created_at desc, run.id desc limit $7
"""
# Another `version` tells that something which people see has changed.
GET = f"""
select shown.*, steps.steps, asked.confirmations, made.files,
    md5(concat(shown.status, steps.versions, asked.versions)) as version
from ({SELECT} where run.id = $1) shown
cross join lateral (
    select coalesce(jsonb_agg(jsonb_build_object('id', id, 'position', position, 'kind', kind, 'agent', agent, 'queue',
        queue, 'action', action, 'depends_on', depends_on, 'status', status, 'attempt', attempt, 'rounds', rounds,
        'result', result, 'problem', problem, 'started_at', started_at, 'finished_at', finished_at
        ) order by position), '[]') as steps,
        string_agg(concat(position, status, rounds), ' ' order by position) as versions
    from run_steps where run_id = shown.id
) steps
cross join lateral (
    select coalesce(jsonb_agg(jsonb_build_object('id', id, 'kind', kind, 'skill', skill, 'title', title, 'state', state,
        'expires_at', expires_at, 'answered_at', answered_at, 'answered_via', answered_via
        ) order by id), '[]') as confirmations, string_agg(concat(id, state), ' ' order by id) as versions
    from confirmations where run_id = shown.id
) asked
cross join lateral (
    select coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'media_type', media_type, 'size', size,
        'created_at', created_at) order by id), '[]') as files
    from run_files where run_id = shown.id
) made
"""
WHOSE = """
select session.user_id from agent_runs run join chat_sessions session on session.id = run.session_id where run.id = $1
"""
CANCEL = """
update agent_runs set status = 'cancelled' where id = $1 and status in ('pending', 'running', 'waiting') returning id
"""
SKIP = """
update run_steps set status = 'skipped', lease_until = null, finished_at = now()
where run_id = $1 and position = $2 and status in ('pending', 'running', 'waiting') returning id
"""
IS_STEP = "select from run_steps where run_id = $1 and position = $2"
OF_PLACE = """
select run.id from agent_runs run join chat_sessions session on session.id = run.session_id
join bots bot on bot.id = session.bot_id
where run.status in ('pending', 'running', 'waiting')
    and bot.slug = $1 and session.chat_id = $2 and session.user_id = $3 and session.thread_id = $4
"""
FILE = "select id, name, media_type, size, content, created_at from run_files where run_id = $1 and id = $2"
CALLS = """
select call.*, bot.slug as bot from skill_calls call join bots bot on bot.id = call.bot_id
where ($1::uuid is null or call.run_id = $1) and ($2::text is null or call.user_id = $2)
    and ($3::text is null or bot.slug = $3) and call.id < coalesce($4::bigint, 9223372036854775807)
order by call.id desc limit $5
"""
# A step that everybody has lost sight of; and one that waits for a person who is not asked.
OVERDUE = """
update run_steps set due_at = now() + interval '30 seconds',
    status = case when status = 'waiting' then 'running' else status end
where id in (
    select step.id from run_steps step join agent_runs run on run.id = step.run_id
    where run.status in ('pending', 'running', 'waiting') and step.due_at < now() and case step.status
        when 'running' then step.lease_until is null or step.lease_until < now()
        when 'waiting' then not exists (
            select from confirmations asked join skill_calls call on call.id = asked.skill_call_id
            where call.step_id = step.id and asked.state = 'waiting'
        )
        when 'pending' then not exists (
            select from run_steps needed
            where needed.run_id = step.run_id and needed.position = any(step.depends_on) and case step.kind
                when 'plan' then needed.status in ('pending', 'running', 'waiting')
                else needed.status <> 'completed' end
        )
        else false end
    limit 100 for update of step skip locked
)
returning id, queue
"""
# An operator may have stopped it in the database; and of a run without steps nothing will come.
UNSETTLED = """
select run.id from agent_runs run where run.finished_at is null and (
    run.status not in ('pending', 'running', 'waiting')
    or not exists (select from run_steps where run_id = run.id and status in ('pending', 'running', 'waiting'))
)
limit 100
"""


@dataclass(frozen=True, slots=True)
class WantedRuns:
    """Which runs are listed; None means any."""

    bot: str | None = None
    user_id: str | None = None
    session_id: UUID | None = None
    status: str | None = None


async def list_runs(db: Database, wanted: WantedRuns, *, after: tuple[datetime, UUID] | None, limit: int) -> Page:
    """Newest first, before the moment and id `after`."""
    whose = wanted.bot, wanted.user_id, wanted.session_id, wanted.status
    return as_page(await db.run(LIST, *whose, *(after or (None, None)), limit + 1), limit)


async def get_run(db: Database, id: UUID) -> Record:
    """With its `steps`, `confirmations` and `files`. Raises `RunNotFound`."""
    for row in await db.run(GET, id):
        return row
    raise RunNotFound


async def get_file(db: Database, id: UUID, file_id: int) -> Record:
    """Raises `FileNotFound`."""
    for row in await db.run(FILE, id, file_id):
        return row
    raise FileNotFound


async def cancel(db: Database, id: UUID, user_id: str | None, promise: PromiseOf) -> After:
    """Raises `RunNotFound`, also when it is another person's; `RunOver`."""
    await _look(db, id, user_id)
    async with db.begin() as tx:
        if await lock(tx, id) and await tx.fetch(CANCEL, id):
            run = await lock(tx, id)
            assert run
            return await settle(tx, run, promise)
    raise RunOver(state=(await get_run(db, id))["status"])


async def skip(db: Database, id: UUID, position: int, user_id: str | None, promise: PromiseOf) -> After:
    """Raises as `cancel`, and `StepNotFound`, `StepOver`."""
    await _look(db, id, user_id)
    async with db.begin() as tx:
        run = await lock(tx, id)
        if run and await tx.fetch(SKIP, id, position):
            return await settle(tx, run, promise)
    if not await db.run(IS_STEP, id, position):
        raise StepNotFound
    raise StepOver


async def _look(db: Database, id: UUID, user_id: str | None) -> None:
    rows = await db.run(WHOSE, id)
    if not rows or user_id not in (None, rows[0]["user_id"]):
        raise RunNotFound


async def unfinished_in(db: Database, bot: str, chat_id: str, user_id: str, thread_id: str) -> list[UUID]:
    """What is under way for a person in a chat."""
    return [row["id"] for row in await db.run(OF_PLACE, bot, chat_id, user_id, thread_id)]


async def list_calls(
    db: Database, run_id: UUID | None, user_id: str | None, bot: str | None, *, after: int | None, limit: int
) -> Page:
    """What skills were asked to do, newest first."""
    return as_page(await db.run(CALLS, run_id, user_id, bot, after, limit + 1), limit)


async def overdue(db: Database) -> list[tuple[str, UUID]]:
    """The queue and id of steps that nobody has taken up, though they are due."""
    return [(row["queue"], row["id"]) for row in await db.run(OVERDUE)]


async def settle_over(db: Database, promise: PromiseOf) -> None:
    """End what was stopped behind our back, unless somebody else has ended it meanwhile."""
    for row in await db.run(UNSETTLED):
        async with db.begin() as tx:
            run = await lock(tx, row["id"])
            if run and run["finished_at"] is None:
                await settle(tx, run, promise)
