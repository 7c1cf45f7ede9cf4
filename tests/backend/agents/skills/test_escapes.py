"""No call leads out of a workspace: each way that is known is refused, the model is told why, and it is audited."""

import json
import os
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.agents.skills import Skills
from backend.agents.skills.filesystem import FilesystemList, FilesystemRead, FilesystemSearch, FilesystemWrite
from backend.agents.skills.git import GitCommit, GitDiff, GitLog, GitStatus
from backend.agents.skills.sandbox import Sandbox
from backend.agents.skills.shell import ShellRun
from backend.agents.skills.skill import Refused, Skill
from backend.agents.skills.workspace import workspace_of
from backend.agents.thinking import Thinking
from backend.agents.workshop import Rules, Workshop
from backend.database import Record
from tests.backend.agents.bench import Bench, step
from tests.backend.agents.skills.escapes import ESCAPES, FILESYSTEM, REPOSITORIES, SECRET, SETTINGS, SHELL, Escape
from tests.backend.agents.skills.hands import Hands, own
from tests.simulators.provider import Provider
from tests.simulators.provider_scenes import Scene, plays
from tests.simulators.provider_tools import CallsTools, ToolUse

FORBIDDEN_PLACE = Path("/tmp/owned-by-a-model")
AT_ONCE = 30


@dataclass(frozen=True, slots=True)
class House:
    """A workspace, and what is outside of it."""

    workspace: Path
    outside: Path

    def untouched(self) -> bool:
        """Nothing outside has changed, and nothing that a repository names has been run."""
        owned = [path for path in (*self.workspace.rglob("owned"), FORBIDDEN_PLACE) if path.exists()]
        return not owned and {path.name: path.read_text() for path in self.outside.iterdir()} == {"secret": SECRET}


async def a_house(bench: Bench) -> House:
    """The workspace of the person whose runs these are, prepared by somebody who means harm."""
    await bench.begin(step("Sit down"))
    [row] = await bench.db.run("select scope from chat_sessions where id = $1", bench.session)
    house = House(workspace_of(bench.folder / "workspaces", row["scope"]), bench.folder / "outside")
    house.outside.mkdir()
    (house.outside / "secret").write_text(SECRET)
    put_files(house)
    put_links(house)
    put_repositories(house.workspace)
    own(house.workspace)
    os.link(house.outside / "secret", house.workspace / "hard-link")
    return house


def put_files(house: House) -> None:
    (house.workspace / "notes").mkdir()
    (house.workspace / "notes" / "today.md").write_text("Milk\n")
    tool = house.workspace / "tool"
    tool.write_text("#!/bin/sh\ntouch owned\n")
    tool.chmod(0o755)
    os.mkfifo(house.workspace / "pipe")
    os.truncate(os.open(house.workspace / "endless", os.O_CREAT | os.O_WRONLY), 1 << 40)
    before = Path.cwd()
    os.chdir(house.workspace)  # the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as end:
        end.bind("socket")
    os.chdir(before)


def put_links(house: House) -> None:
    links: dict[str, str | Path] = {
        "link-to-secret": house.outside / "secret",
        "link-outside": house.outside,
        "link-to-link": "link-outside",
        "link-inside": "notes",
        "link-nowhere": house.outside / "new",
        "link-to-environ": "/proc/self/environ",
        "root": "/",
        "proc": "/proc",
        "loop": "loop",
    }
    for name, target in links.items():
        (house.workspace / name).symlink_to(target)


def put_repositories(workspace: Path) -> None:
    for name in ("project", "borrowed", "shared", "configured"):
        repository(workspace / name)
    (workspace / "borrowed" / ".git" / "objects" / "info" / "alternates").write_text("/root/objects\n")
    (workspace / "shared" / ".git" / "commondir").write_text("/root\n")
    config = workspace / "configured" / ".git" / "config"
    config.unlink()
    config.symlink_to("/root/config")
    (workspace / "linked").mkdir()
    (workspace / "linked" / ".git").symlink_to("../project/.git")
    (workspace / "pointed").mkdir()
    (workspace / "pointed" / ".git").write_text("gitdir: ../project/.git\n")
    for how, settings in SETTINGS.items():
        folder = workspace / "set" / how.replace(" ", "-")
        repository(folder)
        with (folder / ".git" / "config").open("a") as config_file:
            config_file.write(f"{settings}\n")


def repository(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    (folder / "file").write_text("x\n")
    (folder / ".gitattributes").write_text("* filter=x diff=x merge=x\n")


def skills(sandbox: Sandbox) -> list[Skill[Any]]:
    files = FilesystemList(), FilesystemRead(), FilesystemSearch(), FilesystemWrite()
    git = GitStatus(sandbox), GitDiff(sandbox), GitLog(sandbox), GitCommit(sandbox)
    return [*files, ShellRun(sandbox), *git]


class Intruder:
    """A model that wants all of it at once, as many at a time as a model may."""

    def __init__(self, bench: Bench, provider: Provider, sandbox: Sandbox) -> None:
        self._bench = bench
        self._provider = provider
        self._skills = Skills(skills(sandbox))

    async def tries(self, escapes: Sequence[Escape]) -> list[Record]:
        """The audit of what it tried."""
        uses = [ToolUse(escape.skill, escape.arguments) for escape in escapes]
        self._provider.rule = plays(Scene("get out", CallsTools(*map(sendable, uses)), lambda seen: str(seen.brought)))
        run = await self._bench.begin(step("Get out"), max_tool_calls=1_000)
        while self._bench.jobs.advanced:
            await self._workshop().advance(self._bench.jobs.advanced.pop(0)[1])
        asked = await self._bench.db.run("select title from confirmations where run_id = $1", run)
        assert not asked, f"the person would have been asked: {asked}"
        problems = await self._bench.db.run("select status, problem from run_steps where run_id = $1", run)
        assert [tuple(row) for row in problems] == [("completed", None)]
        return await self._bench.db.run("select * from skill_calls where run_id = $1 order by id", run)

    def _workshop(self) -> Workshop:
        bench = self._bench
        rules = Rules(False, 1, 0.0, 60.0, bench.folder / "workspaces")
        return Workshop(
            bench.db, bench.jobs, Thinking(bench.backend.llm), self._skills, bench.backend.memory.promise, rules
        )


def batched(escapes: Sequence[Escape]) -> list[Sequence[Escape]]:
    """No model may call more at once."""
    return [escapes[first : first + AT_ONCE] for first in range(0, len(escapes), AT_ONCE)]


def sendable(use: ToolUse) -> ToolUse:
    """As JSON in letters that everybody takes, also halves of characters."""
    return ToolUse(use.name, json.dumps(use.arguments))


def refusal(escape: Escape, call: Record) -> str:
    """What is missing in how it was refused; empty if nothing is."""
    if call["skill"] != escape.skill or call["state"] not in ("refused", "failed"):
        return f"{escape.how}: {call['skill']} is {call['state']}"
    told, why = call["result"] or "", escape.why if storable(escape.arguments) else "no JSON object"
    if why not in told or SECRET in told:
        return f"{escape.how}: {told}"
    return "" if call["user_id"] == "anna" and call["finished_at"] else f"{escape.how}: not audited"


def storable(arguments: dict[str, Any]) -> bool:
    """What Postgres would not take is no JSON for us."""
    return not re.search(r"\\u0000|\\ud[89a-f]", json.dumps(arguments))


@pytest.fixture
async def intruder(bench: Bench, provider: Provider, sandbox: Sandbox) -> Intruder:
    await bench.db.run("update agents set skills = '{filesystem,shell,git}' where slug = 'clerk'")
    return Intruder(bench, provider, sandbox)


async def test_no_known_way_leads_out(intruder: Intruder, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    house = await a_house(bench)
    found = []
    for escapes in batched((*FILESYSTEM, *SHELL, *REPOSITORIES)):
        audit = await intruder.tries(escapes)
        assert len(audit) == len(escapes)
        found += [problem for pair in zip(escapes, audit, strict=True) if (problem := refusal(*pair))]
    with capsys.disabled():
        kinds = Counter(escape.skill.partition("_")[0] for escape in ESCAPES)
        sys.stdout.write(f"\n{len(ESCAPES)} escapes: {len(found)} succeeded {dict(kinds)}\n")
    assert found == []
    assert house.untouched()


UNSAYABLE = [escape for escape in ESCAPES if not storable(escape.arguments)]


@pytest.mark.parametrize("escape", UNSAYABLE, ids=lambda escape: escape.how)
async def test_what_no_model_can_say_is_refused_by_the_skill_itself(workspace: Path, escape: Escape) -> None:
    with pytest.raises(Refused, match=escape.why):
        await Hands(workspace, *skills(Sandbox())).result(escape.skill, **escape.arguments)
