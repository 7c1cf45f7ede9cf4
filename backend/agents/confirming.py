"""Questions to people before an action: each is answered once, by whoever is first of person, operator and clock."""

from dataclasses import dataclass

from backend.agents.settling import After, PromiseOf, lock, settle
from backend.database import Database, Page, Record, Transaction, as_page
from backend.errors import Conflict, Forbidden, NotFound

GRANT_HOURS = 24
MOST_AT_ONCE = 100


class ConfirmationNotFound(NotFound):
    """No such confirmation."""


class ConfirmationOver(Conflict):
    """This has been answered before, or it is too late."""


class NotYours(Forbidden):
    """Only the person who was asked may answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a question: confirmed, cancelled or expired; by whom (None: an operator), and `via` what."""

    state: str
    user_id: str | None = None
    always: bool = False
    via: str = ""


# A question whose time is over has expired, whoever has noticed; so has one whose run was stopped.
STATE = """
case when asked.state <> 'waiting' then asked.state
    when run.status not in ('pending', 'running', 'waiting') then 'cancelled'
    when asked.expires_at <= now() then 'expired' else 'waiting' end
"""
SELECT = f"""
select asked.id, asked.run_id, asked.user_id, asked.kind, asked.skill, asked.title, asked.detail, asked.grants,
    {STATE} as state, asked.always, asked.expires_at, asked.answered_at, asked.answered_via, asked.created_at,
    bot.slug as bot, session.chat_id, session.thread_id, call.step_id
from confirmations asked join skill_calls call on call.id = asked.skill_call_id
join agent_runs run on run.id = asked.run_id join chat_sessions session on session.id = run.session_id
join bots bot on bot.id = session.bot_id
"""
LIST = f"""{SELECT}
where ($1::text is null or asked.user_id = $1) and ($2::text is null or bot.slug = $2)
    and ($3::text is null or session.chat_id = $3) and ($4::text is null or {STATE} = $4)
    and asked.id < coalesce($5::bigint, 9223372036854775807)
order by asked.id desc limit $6
"""
GET = f"{SELECT} where asked.id = $1"
# The clock counts in the same statement: of confirming, cancelling and expiring exactly one happens.
ANSWER = """
update confirmations set state = $2, always = $3 and grants is not null, answered_via = $4, answered_at = now()
where id = $1 and state = 'waiting' and (expires_at <= now()) = ($2 = 'expired')
    and exists (select from agent_runs where id = run_id and status in ('pending', 'running', 'waiting'))
returning kind
"""
GRANT = f"""
insert into grants (bot_id, chat_id, thread_id, user_id, kind, expires_at)
select call.bot_id, session.chat_id, session.thread_id, asked.user_id, asked.grants,
    now() + interval '{GRANT_HOURS} hours'
from confirmations asked join skill_calls call on call.id = asked.skill_call_id
join agent_runs run on run.id = asked.run_id join chat_sessions session on session.id = run.session_id
where asked.id = $1 and asked.grants is not null
on conflict (bot_id, chat_id, thread_id, user_id, kind) do update set expires_at = excluded.expires_at
"""
# What was asked for the first time has not happened; what may have happened stays uncertain.
DECIDE = """
update skill_calls set decision = $2, finished_at = case when $2 <> 'confirmed' then now() end,
    state = case when state = 'asked' and $2 <> 'confirmed' then $2 else state end
where id = (select skill_call_id from confirmations where id = $1)
"""
# Its step has one question at a time.
STEP = "(select step_id from skill_calls where id = (select skill_call_id from confirmations where id = $1))"
GO_ON = f"update run_steps set status = 'running', lease_until = null where id = {STEP} and status = 'waiting'"
GIVE_UP = f"update run_steps set status = $2, finished_at = now() where id = {STEP} and status = 'waiting'"
DUE = f"""
select id, run_id from confirmations where state = 'waiting' and expires_at <= now() order by id limit {MOST_AT_ONCE}
"""


@dataclass(frozen=True, slots=True)
class WantedConfirmations:
    """Which confirmations are listed; None means any."""

    user_id: str | None = None
    bot: str | None = None
    chat_id: str | None = None
    state: str | None = None


async def list_confirmations(db: Database, wanted: WantedConfirmations, *, after: int | None, limit: int) -> Page:
    """Newest first."""
    whose = wanted.user_id, wanted.bot, wanted.chat_id, wanted.state
    return as_page(await db.run(LIST, *whose, after, limit + 1), limit)


async def get_confirmation(db: Database, id: int) -> Record:
    """Raises `ConfirmationNotFound`."""
    for row in await db.run(GET, id):
        return row
    raise ConfirmationNotFound


async def answer(db: Database, id: int, given: Answer, promise: PromiseOf) -> After:
    """Record what became of a question, and let its run go on. Raises `ConfirmationNotFound`, `NotYours`.

    Raises `ConfirmationOver` where another answer was first, or the clock.
    """
    asked = await get_confirmation(db, id)
    if given.user_id is not None and asked["user_id"] != given.user_id:
        raise NotYours
    async with db.begin() as tx:
        run = await lock(tx, asked["run_id"])
        if run is None:
            raise ConfirmationNotFound
        if kind := await tx.fetchval(ANSWER, id, given.state, given.always, given.via):
            await _follow(tx, id, given, kind)
            return await settle(tx, run, promise)
    raise ConfirmationOver(state=(await get_confirmation(db, id))["state"])


async def _follow(tx: Transaction, id: int, given: Answer, kind: str) -> None:
    confirmed = given.state == "confirmed"
    if confirmed and given.always:
        await tx.execute(GRANT, id)
    await tx.execute(DECIDE, id, given.state)
    # What may have happened is not repeated then, and the model is told so; any other action would have been the step.
    if confirmed or kind == "repeat":
        await tx.execute(GO_ON, id)
    else:
        await tx.execute(GIVE_UP, id, given.state)


async def overdue(db: Database) -> list[int]:
    """The questions whose time is over, and that nobody has answered."""
    return [row["id"] for row in await db.run(DUE)]
