"""How tests use the browser: as a step's agent does, and looking at which processes there are."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from backend.agents.skills.browser import on_pages_of
from backend.agents.skills.browser.host import Host, host_of
from backend.agents.skills.skill import Danger, Result, Skill
from backend.settings import Settings
from tests.backend.agents.skills.contexts import context

FOUND = host_of(Settings())


class Hands:
    """Uses the skills as a step's agent does, each call weighed first."""

    def __init__(self, host: Host, words: str = "") -> None:
        self.skills: dict[str, Skill[Any]] = {skill.name: skill for skill in on_pages_of(host)}
        self.context = context(step_id=uuid4(), words=words)

    async def danger(self, name: str, **arguments: Any) -> Danger:
        skill = self.skills[f"browser_{name}"]
        return await skill.weigh(skill.read(arguments), self.context)

    async def preview(self, name: str, **arguments: Any) -> str:
        skill = self.skills[f"browser_{name}"]
        preview = await skill.preview(skill.read(arguments), self.context)
        return f"{preview.title}\n{preview.detail}"

    async def do(self, name: str, **arguments: Any) -> Result:
        await self.danger(name, **arguments)
        skill = self.skills[f"browser_{name}"]
        return await skill.run(skill.read(arguments), self.context)

    async def number(self, said: str) -> int:
        """Of the element whose line says this, now."""
        lines = (await self.do("read")).text.splitlines()
        return next(int(line[1 : line.index("]")]) for line in lines if line.startswith("[") and said in line)

    async def leave(self) -> None:
        for skill in self.skills.values():
            await skill.leave(self.context.step_id)


def chromiums() -> set[int]:
    """Those that this process has begun, but for what they have begun themselves."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            pid, _, _, parent, *_ = stat.read_text().replace(") ", ")| ").split(" ")
            children.setdefault(int(parent), []).append(int(pid))
    drivers = children.get(os.getpid(), [])
    begun = [pid for driver in drivers for pid in children.get(driver, [])]
    return {pid for pid in begun if b"--remote-debugging" in _command(pid)}


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended meanwhile
        return b""
