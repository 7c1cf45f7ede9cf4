"""Runs whose every step writes a line into a diary that somebody else keeps: so it is known how often it was done."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import orjson

from backend.agents.ordering import as_row, insert_run
from backend.agents.types import Ordered
from backend.database import Database, Record
from backend.jobs import Job
from tests.faults.killer import Killer
from tests.faults.people import Person
from tests.processes import WorkerProcess, until
from tests.simulators.provider_behaviours import Behaviour
from tests.simulators.provider_scenes import PLANNER, Scene, Seen, plays
from tests.simulators.provider_tools import CallsTool

STEPS = 5
# Planning is claimed and recorded; each step is claimed and thought about, claimed, started, finished, and answered.
OF_PLAN, OF_STEP = 2, 6
COMMITS = OF_PLAN + STEPS * OF_STEP

BEGIN = f"""
with session as (
    insert into chat_sessions (bot_id, user_id, chat_id) select id, $1, $1 from bots where slug = 'default' returning id
), turn as (
    insert into turns (session_id, position, status, delivers) select id, 1, 'answered', true from session
    returning id, session_id
), {insert_run("turn", "$2")}
select id from run
"""
AGENT = """
insert into agents (slug, name, description, instructions, skills)
values ('writer', 'Writer', 'Writes.', 'You write.', '{mcp_diary}')
on conflict do nothing
"""
# As if the time that a worker has for its step were over.
LET_LEASES_END = """
update run_steps set due_at = now() - interval '1 second',
    lease_until = case when lease_until is not null then now() - interval '1 second' end
where run_id = $1 and status in ('pending', 'running', 'waiting')
"""
CALLS = "select arguments, decision, state from skill_calls where run_id = $1 order by id"
ALLOW = """
insert into grants (bot_id, chat_id, user_id, kind, expires_at)
select id, $1, $1, $2, now() + interval '1 hour' from bots where slug = 'default'
"""
LIMITS = {"max_model_calls": 50, "max_tool_calls": 50, "max_tokens": 1_000_000, "max_minutes": 60}


def plan_of(seen: Seen) -> str:
    """One step after another."""
    name = re.findall(r"[Ee]rrand of (\S+)", seen.asked)[0]
    steps = [
        {"agent": "writer", "action": f"Write {name} {number}", "depends_on": [number - 1] if number > 1 else []}
        for number in range(1, STEPS + 1)
    ]
    return orjson.dumps({"steps": steps}).decode()


def writes(seen: Seen) -> Behaviour:
    return CallsTool("mcp_diary_write", {"line": re.findall(r"[Ww]rite (\S+ \d)", seen.asked)[-1]})


def tells(seen: Seen) -> str:
    return "Told: " + " ".join(seen.brought)


# Whoever plans, plans five steps; whoever has one writes its line, and tells what came of it.
SCENES = plays(Scene("errand", plan_of, by=PLANNER), Scene(r"write \S+ \d", writes, tells))


def environment_of(killer: Killer, mcp_servers: str, workspaces: Path) -> dict[str, str]:
    """What workers are told who carry errands out, and whose only transactions those are."""
    return {
        "DATABASE_URL": killer.url,
        "MCP_SERVERS": mcp_servers,
        "WORKSPACES": str(workspaces),
        "RAG_ENABLED": "false",
        "AUTONOMOUS_MODE": "true",
        "QUALITY_THRESHOLD": "0",
    }


@dataclass(frozen=True, slots=True)
class Errands:
    """What people have done for them; `diary` is where the lines go."""

    db: Database
    worker: WorkerProcess
    diary: Path

    async def begin(self, person: Person, *, allowed: bool) -> UUID:
        """Five lines are to be written, with the person's leave for all of them, or each to be confirmed."""
        await self.db.run(AGENT)
        if allowed:
            await self.db.run(ALLOW, person.name, "mcp_diary_write")
        step_id = uuid4()
        plan = {"id": str(step_id), "kind": "plan", "agent": None, "action": "Plan", "queue": "high", "depends_on": ()}
        ordered = Ordered("dynamic", None, "Errand", f"An errand of {person.name}", LIMITS, [plan])
        await self.db.run(BEGIN, person.name, as_row(ordered) | {"id": str(ordered.id)})
        await self.worker.ring(Job.ADVANCE, step_id, queue="high")
        return ordered.id

    async def status(self, run: UUID) -> str:
        [row] = await self.db.run("select status from agent_runs where id = $1", run)
        return str(row["status"])

    async def is_over(self, run: UUID) -> bool:
        return await self.status(run) not in ("pending", "running", "waiting")

    async def asked(self, run: UUID) -> list[Record]:
        """The question that waits, if there is one."""
        return await self.db.run("select * from confirmations where run_id = $1 and state = 'waiting'", run)

    async def is_asked(self, run: UUID) -> Record:
        """The question, once there is one."""
        [asked] = await until(lambda: self.asked(run))
        return asked

    async def let_leases_end(self, run: UUID) -> None:
        """The time that a worker has for its step is over, and a sweep comes by."""
        await self.db.run(LET_LEASES_END, run)
        await self.worker.ring(Job.SWEEP)

    def written(self, person: Person) -> Counter[str]:
        """How often each line stands in the diary."""
        return Counter(line for line in self.diary.read_text().splitlines() if line.startswith(f"{person.name} "))

    async def rows(self, run: UUID) -> list[Record]:
        """All that is recorded of a run's steps and calls."""
        steps = await self.db.run("select * from run_steps where run_id = $1 order by id", run)
        return steps + await self.db.run("select * from skill_calls where run_id = $1 order by id", run)

    async def is_true(self, run: UUID, person: Person) -> Counter[str]:
        """The run has ended in one way, nothing was done twice, and people were told what has happened: how often."""
        written = self.written(person)
        assert max(written.values(), default=0) <= 1, written
        shown = await self.db.run("select position, status from run_steps where run_id = $1 order by position", run)
        assert {row["status"] for row in shown} <= {"completed", "failed", "cancelled", "expired", "skipped"}, shown
        [message] = await self.db.run("select content from messages where run_id = $1", run)
        delivered = await self.db.run("select kind from deliveries where run_id = $1 and kind = 'answer'", run)
        assert len(delivered) == 1
        calls = await self.db.run(CALLS, run)
        ends = Counter(call["state"] for call in calls)
        for call in calls:
            assert call["state"] in ("done", "uncertain", "cancelled", "expired"), call
            if call["state"] != "uncertain":
                assert written[call["arguments"]["line"]] == (call["state"] == "done")
        assert ("this may have happened or not" in message["content"]) == (ends["uncertain"] > 0)
        return ends
