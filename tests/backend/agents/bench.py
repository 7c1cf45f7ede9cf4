"""Runs as the worker carries them out, with skills that only note what they were told to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

from pydantic import BaseModel

from backend.agents.ordering import as_row, insert_run
from backend.agents.skills.skill import Context, Danger, File, Preview, Result, Skill
from backend.agents.thinking import Thinking
from backend.agents.types import Ordered
from backend.agents.workshop import Rules, Workshop
from backend.bootstrap import Backend
from backend.database import Database, Record
from tests.conftest import RecordedJobs
from tests.simulators.provider_scenes import Line
from tests.simulators.provider_tools import CallsTool

SESSION = """
insert into chat_sessions (bot_id, user_id, chat_id, language)
select id, $1, $1, $2 from bots where slug = 'default' returning id
"""
TURN = """
insert into turns (session_id, position, status, delivers, reply_to)
values ($1, (select count(*) + 1 from turns where session_id = $1), 'answered', $2, '7') returning id
"""
BEGIN = f"with turn as (select id, session_id from turns where id = $1), {insert_run('turn', '$2')} select id from run"
LIMITS = {"max_model_calls": 20, "max_tool_calls": 20, "max_tokens": 100_000, "max_minutes": 10}


class Text(BaseModel):
    text: str


class Write(Skill[Text]):
    """Has an effect, so that people are asked: each time it is carried out there is one line more."""

    name = "write"
    family = "desk"
    description = "Writes a line."
    parameters: ClassVar[type[BaseModel]] = Text
    danger = Danger.CONFIRM

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.version = "0"
        self.fails: BaseException | None = None
        self.hides: Exception | None = None

    async def preview(self, params: Text, context: Context) -> Preview:
        if self.hides:
            raise self.hides
        return Preview(f"Write {params.text}", f"version {self.version}")

    async def run(self, params: Text, context: Context) -> Result:
        self.lines.append(params.text)
        if self.fails:
            raise self.fails
        return Result(f"wrote {params.text}")


class Look(Write):
    """Has none; what it brings is by others, with a picture."""

    name = "look"
    description = "Looks."
    danger = Danger.SAFE

    async def run(self, params: Text, context: Context) -> Result:
        self.lines.append(params.text)
        if self.fails:
            raise self.fails
        return Result(f"saw {params.text}", origin="a window", files=(File("view.png", "image/png", b"png"),))


class Break(Write):
    """Is never allowed."""

    name = "break"
    description = "Breaks something."
    danger = Danger.FORBIDDEN


@dataclass(slots=True)
class Desk:
    """All that agents have here."""

    write: Write = field(default_factory=Write)
    look: Look = field(default_factory=Look)
    left: list[UUID] = field(default_factory=list)

    async def of(self, names: Sequence[str]) -> dict[str, Skill[Any]]:
        if "trap" in names:
            raise RuntimeError("trapped")
        skills: list[Skill[Any]] = [self.write, self.look, Break()]
        return {skill.name: skill for skill in skills if skill.name in names or skill.family in names}

    async def leave(self, step_id: UUID) -> None:
        self.left.append(step_id)


@dataclass(slots=True)
class Bench:
    """A backend whose jobs are done when a test says so."""

    db: Database
    jobs: RecordedJobs
    backend: Backend
    folder: Path
    desk: Desk = field(default_factory=Desk)
    rules: dict[str, Any] = field(default_factory=dict)
    session: UUID | None = None

    def workshop(self) -> Workshop:
        """As good as another worker."""
        rules = Rules(
            **{"autonomous": True, "iterations": 8, "quality": 0.0, "confirmation_seconds": 60.0, **self.rules},
            workspaces=self.folder,
        )
        mind = Thinking(self.backend.llm)
        return Workshop(self.db, self.jobs, mind, self.desk, self.backend.memory.promise, rules)

    async def begin(
        self,
        *steps: dict[str, Any],
        kind: str = "macro",
        person: str = "anna",
        language: str = "en",
        delivers: bool = True,
        request: str = "Do what is to be done",
        **limits: int,
    ) -> UUID:
        """A run of these steps, as a turn begins it."""
        if self.session is None:
            self.session = (await self.db.run(SESSION, person, language))[0]["id"]
        turn = (await self.db.run(TURN, self.session, delivers))[0]["id"]
        ordered = Ordered(kind, None, "A run", request, {**LIMITS, **limits}, [*steps])
        row = as_row(ordered)
        await self.db.run(BEGIN, turn, row | {"id": str(row["id"])})
        for begun in steps:
            if not begun["depends_on"]:
                self.jobs.advance(begun["queue"], UUID(begun["id"]))
        return ordered.id

    async def work(self) -> None:
        """Everything that is rung for is done, one after another."""
        workshop = self.workshop()
        while self.jobs.advanced:
            await workshop.advance(self.jobs.advanced.pop(0)[1])

    async def step(self, run: UUID, position: int = 1) -> Record:
        return (await self.db.run("select * from run_steps where run_id = $1 and position = $2", run, position))[0]

    async def statuses(self, run: UUID) -> list[str]:
        """Of the steps, and at the end of the run itself."""
        shown = await self.backend.agents.run(run)
        return [*(step["status"] for step in shown["steps"]), shown["status"]]

    async def asked(self, run: UUID) -> int:
        """The one question that waits."""
        rows = await self.db.run("select id from confirmations where run_id = $1 and state = 'waiting'", run)
        [id] = [row["id"] for row in rows]
        return int(id)

    async def calls(self, run: UUID) -> list[tuple[str, str | None, str]]:
        """What was called, by which decision, and what became of it."""
        rows = await self.db.run("select skill, decision, state from skill_calls where run_id = $1 order by id", run)
        return [(row["skill"], row["decision"], row["state"]) for row in rows]

    async def said(self, run: UUID) -> str:
        """The run's last words."""
        [row] = await self.db.run("select content from messages where run_id = $1", run)
        return str(row["content"])

    async def let_leases_end(self) -> None:
        """As if whoever had them were dead, and the time over."""
        await self.db.run("update run_steps set lease_until = now() - interval '1 second' where lease_until > now()")
        await self.db.run("update run_steps set due_at = now() - interval '1 second'")

    async def let_questions_end(self) -> None:
        await self.db.run("update confirmations set expires_at = now() - interval '1 second' where state = 'waiting'")


def step(
    action: str, *depends_on: int, agent: str = "clerk", kind: str = "act", queue: str = "default"
) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "kind": kind,
        "agent": None if kind == "plan" else agent,
        "action": action,
        "queue": queue,
        "depends_on": [*depends_on],
    }


def write(text: str) -> Line:
    return CallsTool("write", {"text": text})


def look(text: str) -> Line:
    return CallsTool("look", {"text": text})
