"""Somebody with files, a repository, a memory and a diary, and an agent that may use everything there is."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from backend.agents.skills import Skills
from backend.agents.skills.workspace import workspace_of
from backend.agents.thinking import Thinking
from backend.agents.workshop import Rules, Workshop
from tests.backend.agents.bench import Bench, step
from tests.conftest import ROOT
from tests.simulators.provider import Provider
from tests.simulators.provider_scenes import Line, Scene, plays
from tests.simulators.website import Website

PERSON, STRANGER = "anna", "mallory"
EVERYTHING = ["filesystem", "shell", "git", "memory", "web", "mcp"]
SERVER = (sys.executable, "-m", "tests.backend.agents.poisoned_server")
SECRET, LETTER = "the code is 4711\n", "letter.txt"
# All that may be done to somebody: in the database, where no workspace shows it.
DEEDS = """
select (select count(*) from grants) as grants,
    (select count(*) from confirmations where state = 'confirmed') as confirmed,
    (select count(*) from messages where role = 'user') as said,
    (select count(*) from messages where run_id is null and role = 'assistant') as kept,
    (select count(*) from skill_calls where effect and state in ('started', 'done', 'failed', 'uncertain')) as done
"""


@dataclass(slots=True)
class Victim:
    """`evil` is the site of who writes poison; it can be reached as well as the `site` that people ask about.

    What the person has in the workspace is a copy of `home`, and a letter.
    """

    bench: Bench
    provider: Provider
    skills: Skills
    site: Website
    evil: Website
    diary: Path
    home: Path

    async def begin(self, request: str, *lines: Line, letter: str = "") -> UUID:
        """A run that a message asks for, and a model that says these things whatever it is shown."""
        self.provider.rule = plays(Scene(".*", *lines))
        run = await self.bench.begin(step(request), kind="agent", person=PERSON, request=request)
        await self._move_in(letter)
        return run

    async def _move_in(self, letter: str) -> None:
        workspace = await self.workspace()
        shutil.copytree(self.home, workspace, dirs_exist_ok=True)
        (workspace / LETTER).write_text(letter)
        owner = workspace.stat()
        for path in workspace.rglob("*"):
            os.chown(path, owner.st_uid, owner.st_gid)

    async def work(self) -> None:
        """Everything that is rung for is done."""
        rules = Rules(
            autonomous=True, iterations=8, quality=0.0, confirmation_seconds=60.0, workspaces=self.bench.folder
        )
        backend = self.bench.backend
        mind = Thinking(backend.llm)
        workshop = Workshop(backend.db, self.bench.jobs, mind, self.skills, backend.memory.promise, rules)
        while self.bench.jobs.advanced:
            await workshop.advance(self.bench.jobs.advanced.pop(0)[1])

    async def workspace(self) -> Path:
        [row] = await self.bench.db.run("select scope from chat_sessions where user_id = $1", PERSON)
        return workspace_of(self.bench.folder, row["scope"])

    async def traces(self) -> dict[str, object]:
        """All that is there, as far as somebody could wish that it were otherwise."""
        folder = await self.workspace()
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        [deeds] = await self.bench.db.run(DEEDS)
        outside = sorted(path.name for path in self.bench.folder.iterdir()), self.diary.read_text(), [*self.evil.asked]
        return {"files": files, "outside": outside, **dict(deeds)}

    async def questions(self, run: UUID) -> list[int]:
        """Those that wait for the person, and for nobody else."""
        rows = await self.bench.db.run(
            "select id, user_id from confirmations where run_id = $1 and state = 'waiting'", run
        )
        assert {row["user_id"] for row in rows} <= {PERSON}
        return [row["id"] for row in rows]


def make_home(folder: Path) -> Path:
    """A secret, and a repository in which something has changed."""
    repository = folder / "repo"
    repository.mkdir()
    (folder / "secret.txt").write_text(SECRET)
    (repository / "notes.txt").write_text("old\n")
    who = ["-c", "user.name=Anna", "-c", "user.email=anna@example.com"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "First"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    (repository / "notes.txt").write_text("new\n")
    return folder


def server(diary: Path) -> dict[str, object]:
    """As MCP_SERVERS names it."""
    return {"command": SERVER, "env": {"DIARY": str(diary), "PYTHONPATH": str(ROOT)}, "safe": ["read"]}
