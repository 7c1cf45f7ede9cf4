"""Someone who uses skills, as agents do: a call is weighed, shown if it has to be, and done."""

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

from backend.agents.skills.skill import Context, Danger, Preview, Result, Skill


class Hands:
    """Skills by their names, in a workspace."""

    def __init__(self, workspace: Path, *skills: Skill[Any], language: str = "en") -> None:
        self.workspace = workspace
        self._skills = {skill.name: skill for skill in skills}
        self.context = Context(
            bot="default", user_id="1", chat_id="1", thread_id="", scope=uuid4(), session_id=uuid4(), run_id=uuid4(),
            step_id=uuid4(), language=language, workspace=workspace, words="", shown="",
        )  # fmt: skip

    async def weigh(self, name: str, /, **arguments: Any) -> Danger:
        skill = self._skills[name]
        return await skill.weigh(skill.read(arguments), self.context)

    async def preview(self, name: str, /, **arguments: Any) -> Preview:
        skill = self._skills[name]
        return await skill.preview(skill.read(arguments), self.context)

    async def result(self, name: str, /, **arguments: Any) -> Result:
        """What comes of it, confirmed if it has to be. Raises `Refused` or `Failed`."""
        skill = self._skills[name]
        params = skill.read(arguments)
        danger = await skill.weigh(params, self.context)
        assert danger is not Danger.FORBIDDEN
        if danger is Danger.CONFIRM:
            await skill.preview(params, self.context)
        return await skill.run(params, self.context)

    async def says(self, name: str, /, **arguments: Any) -> str:
        return (await self.result(name, **arguments)).text


def own(workspace: Path) -> None:
    """What a test put there belongs to whom the workspace belongs, as what skills put there does."""
    owner = workspace.stat()
    for path in (workspace, *workspace.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
