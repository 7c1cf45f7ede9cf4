"""What agents can do: one file per skill, and one line for each in `shipped`.

This is also imported where skills are only listed: a skill imports what is heavy when it is first used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from backend.agents.skills.browser import browser_skills
from backend.agents.skills.filesystem import FilesystemList, FilesystemRead, FilesystemSearch, FilesystemWrite
from backend.agents.skills.git import GitCommit, GitDiff, GitLog, GitStatus
from backend.agents.skills.mcp import McpServers
from backend.agents.skills.memory import memory_skills
from backend.agents.skills.sandbox import Sandbox
from backend.agents.skills.shell import ShellRun
from backend.agents.skills.skill import Described, Skill, Source
from backend.agents.skills.web import web_skills
from backend.database import Database
from backend.memory import Memory
from backend.settings import Settings

__all__ = ["Described", "Means", "Skills", "Source", "shipped", "sources"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What skills are made with."""

    settings: Settings
    db: Database
    memory: Memory


def shipped(means: Means) -> list[Skill[Any]]:
    sandbox = Sandbox()
    return [
        FilesystemList(),
        FilesystemRead(),
        FilesystemSearch(),
        FilesystemWrite(),
        ShellRun(sandbox),
        GitStatus(sandbox),
        GitDiff(sandbox),
        GitLog(sandbox),
        GitCommit(sandbox),
        *memory_skills(means.db, means.memory),
        *web_skills(means.settings),
        *browser_skills(means.settings),
    ]


def sources(means: Means) -> list[Source]:
    """Raises `McpServersInvalid`."""
    return [
        McpServers(means.settings),
    ]


class Skills:
    """All skills of this installation. Opened once per process; `close` ends what was begun for them."""

    def __init__(self, skills: Sequence[Skill[Any]], sources: Sequence[Source] = ()) -> None:
        self._skills = skills
        self._sources = sources

    async def of(self, names: Sequence[str]) -> dict[str, Skill[Any]]:
        """Those of these names or families that can be used here; others are left out, with a line in the log."""
        offered = [*self._skills, *await self._found(names)]
        wanted = {skill.name: skill for skill in offered if skill.name in names or _families(skill) & set(names)}
        if unknown := set(names) - wanted.keys() - {family for skill in wanted.values() for family in _families(skill)}:
            log.warning("skills_unknown", names=sorted(unknown))
        if missing := {name: why for name, skill in wanted.items() if (why := skill.unavailable())}:
            log.info("skills_unavailable", missing=missing)
        return {name: skill for name, skill in wanted.items() if name not in missing}

    def described(self) -> list[Described]:
        """All of them, also those that cannot be used here."""
        own = [Described(s.name, s.family, s.description, s.danger, s.unavailable()) for s in self._skills]
        return own + [described for source in self._sources for described in source.described()]

    async def leave(self, step_id: UUID) -> None:
        """Let go of what is kept for a step, which has ended."""
        for skill in self._skills:
            await skill.leave(step_id)

    async def close(self) -> None:
        for source in self._sources:
            await source.close()
        for skill in self._skills:
            await skill.close()

    async def _found(self, names: Sequence[str]) -> list[Skill[Any]]:
        asked = [s for s in self._sources if any(n == s.family or n.startswith(f"{s.family}_") for n in names)]
        return [skill for source in asked for skill in await source.skills()]


def _families(skill: Skill[Any]) -> set[str]:
    """A family may be part of another: `mcp_notes` of `mcp`."""
    return {skill.family, skill.family.split("_")[0]}
