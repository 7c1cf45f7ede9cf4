"""Calls of skills as rows: asked about, started before they are done, and recorded after."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backend.agents.claims import Claim, Lost, held
from backend.agents.settling import After, PromiseOf, lock, settle
from backend.agents.skills.skill import File, Preview
from backend.agents.steps import SPEND, Spent, StepFailed
from backend.agents.storable import storable, storable_json
from backend.database import Database, Record, Transaction

OF_STEP = """
select call.call_id, call.state, call.decision, call.effect, call.result, call.finished_at is not null as over,
    coalesce(repeat.title, action.title) as title, coalesce(repeat.detail, action.detail) as detail,
    repeat.state as repeated
from skill_calls call
left join confirmations action on action.skill_call_id = call.id and action.kind = 'action'
left join confirmations repeat on repeat.skill_call_id = call.id and repeat.kind = 'repeat'
where call.step_id = $1
"""
OF_RUN = "select skill, arguments, result, origin from skill_calls where run_id = $1 order by id"

INSERT = """
insert into skill_calls as known
    (run_id, step_id, bot_id, user_id, chat_id, call_id, skill, arguments, effect, decision, state, result, attempt,
    started_at, finished_at)
select run_id, id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
    case when $10 = 'started' then attempt end, case when $10 = 'started' then now() end,
    case when $10 = 'refused' then now() end
from run_steps where id = $1
on conflict (step_id, call_id) do
"""
# What was asked about, or may have happened, is started once it was confirmed; what was without effect, once more.
START = f"""{INSERT} update set state = 'started', decision = excluded.decision, attempt = excluded.attempt,
    started_at = now(), finished_at = null
where known.state in ('asked', 'uncertain') or known.state = 'started' and not known.effect
returning id
"""
REFUSE = f"""{INSERT} update set state = 'refused', decision = excluded.decision, result = excluded.result,
    finished_at = now()
where known.state = 'asked' or known.state = 'started' and not known.effect
returning id
"""
ASK = f"{INSERT} update set state = case known.state when 'started' then 'uncertain' else known.state end returning id"
COUNT = """
update agent_runs set tool_calls = tool_calls + 1 where id = $1 and tool_calls < max_tool_calls returning id
"""
# What was stopped while it was under way is known, after all.
FINISH = """
update skill_calls set state = $4, result = $5, origin = $6, size = $7, milliseconds = $8, problem = $9,
    finished_at = now()
where step_id = $1 and call_id = $2 and attempt = $3
    and (state = 'started' or $10 and state in ('uncertain', 'failed'))
returning id
"""
IS_OVER = "select status not in ('pending', 'running', 'waiting') from run_steps where id = $1"
ADD_FILE = "insert into run_files (run_id, name, media_type, size, content) values ($1, $2, $3, $4, $5)"
# What nobody is asked about twice stays uncertain.
LEAVE = """
update skill_calls set state = 'uncertain', finished_at = now()
where step_id = $1 and call_id = $2 and state in ('started', 'uncertain')
"""
CONFIRMATION = """
insert into confirmations (run_id, skill_call_id, user_id, kind, skill, title, detail, grants, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9)) returning id
"""
DELIVER = """
insert into deliveries (bot_id, run_id, confirmation_id, chat_id, thread_id, user_id, reply_to, language, kind)
select talk.bot_id, run.id, $2, talk.chat_id, talk.thread_id, talk.user_id, turn.reply_to, talk.language, 'confirmation'
from agent_runs run join turns turn on turn.id = run.turn_id and turn.delivers
join chat_sessions talk on talk.id = run.session_id
where run.id = $1
"""
WAIT = "update run_steps set status = 'waiting', lease_until = null, lost = 0 where id = $1"


@dataclass(frozen=True, slots=True)
class Known:
    """What is recorded of a call: `title` and `detail` were shown with the last question about it.

    `repeated` is what became of the question whether to do it once more.
    """

    call_id: str
    state: str
    decision: str | None
    effect: bool
    result: str | None
    over: bool
    title: str | None
    detail: str | None
    repeated: str | None

    def showed(self, preview: Preview) -> bool:
        """Whether the person was shown just this."""
        return (self.title, self.detail) == (storable(preview.title), storable(preview.detail))


@dataclass(frozen=True, slots=True)
class Audited:
    """A call as it is audited: the arguments without secrets, and whether it changes anything outside."""

    call_id: str
    skill: str
    arguments: Mapping[str, Any]
    effect: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call: done, failed, refused or uncertain. The model is told the `text`, which had this `size`."""

    state: str
    text: str
    origin: str = ""
    size: int = 0
    problem: str | None = None
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked before a call: `kind` is action or repeat; with `grants` others like it may be allowed."""

    kind: str
    preview: Preview
    grants: str | None
    seconds: float


class Calls:
    """The calls of a step that is this worker's. Everything that writes raises `Lost` if it no longer is."""

    def __init__(self, db: Database, promise: PromiseOf) -> None:
        self._db = db
        self._promise = promise

    async def known(self, step_id: UUID) -> dict[str, Known]:
        return {row["call_id"]: Known(**row) for row in await self._db.run(OF_STEP, step_id)}

    async def of_run(self, run_id: UUID) -> list[Record]:
        return await self._db.run(OF_RUN, run_id)

    async def start(self, mine: Claim, call: Audited, decision: str) -> None:
        """From here on the call may have happened. Raises `StepFailed` if the run has had enough."""
        async with self._db.begin() as tx:
            run = await held(tx, mine)
            if not await tx.fetch(COUNT, run["id"]):
                raise StepFailed("limit-tool-calls")
            if not await self._insert(tx, START, mine, run, call, (decision, "started", None)):
                raise Lost

    async def refuse(self, mine: Claim, call: Audited, decision: str, text: str) -> None:
        """It is not done; the model is told why."""
        async with self._db.begin() as tx:
            run = await held(tx, mine)
            await self._insert(tx, REFUSE, mine, run, call, (decision, "refused", text))

    async def finish(self, mine: Claim, call_id: str, outcome: Outcome, milliseconds: int) -> None:
        """What came of it, with the files that it has brought. Raises `Lost` also where only the call is told about."""
        async with self._db.begin() as tx:
            await lock(tx, mine.run_id)
            over = await tx.fetchval(IS_OVER, mine.step_id)
            if not over:
                await held(tx, mine)
            written = await tx.fetch(
                FINISH, mine.step_id, call_id, mine.attempt, outcome.state, outcome.text, outcome.origin,
                outcome.size, milliseconds, outcome.problem, bool(over),
            )  # fmt: skip
            for file in outcome.files if written and not over else ():
                await tx.execute(
                    ADD_FILE, mine.run_id, storable(file.name), file.media_type, len(file.content), file.content
                )
        if over or not written:
            raise Lost

    async def leave(self, mine: Claim, call_id: str) -> None:
        """It may have happened, and that is that."""
        async with self._db.begin() as tx:
            await held(tx, mine)
            await tx.execute(LEAVE, mine.step_id, call_id)

    async def ask(self, mine: Claim, spent: Spent, call: Audited, question: Question) -> After:
        """Ask the person; until there is an answer, the step waits, and nobody for it."""
        async with self._db.begin() as tx:
            run = await held(tx, mine)
            [row] = await self._insert(tx, ASK, mine, run, call, (None, "asked", None))
            shown = storable(question.preview.title), storable(question.preview.detail)
            asked = await tx.fetchval(
                CONFIRMATION, run["id"], row["id"], run["user_id"], question.kind, call.skill, *shown,
                question.grants, question.seconds,
            )  # fmt: skip
            await tx.execute(DELIVER, run["id"], asked)
            await tx.execute(WAIT, mine.step_id)
            await tx.execute(SPEND, run["id"], 0, 0, spent.milliseconds())
            return await settle(tx, run, self._promise)

    async def _insert(
        self, tx: Transaction, statement: str, mine: Claim, run: Record, call: Audited, end: tuple[Any, ...]
    ) -> list[Record]:
        whose = run["bot_id"], run["user_id"], run["chat_id"]
        what = call.call_id, call.skill, storable_json(dict(call.arguments)), call.effect
        return await tx.fetch(statement, mine.step_id, *whose, *what, *end)
