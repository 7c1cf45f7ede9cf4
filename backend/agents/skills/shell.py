"""Programs: a list of harmless ones, and some that change files of the workspace when the person says so."""

import asyncio
import os
import shlex
from pathlib import Path

from pydantic import BaseModel, Field

from backend.agents.skills.programs import CHANGING, HARMLESS, examine_arguments
from backend.agents.skills.sandbox import Ended, Room, Sandbox
from backend.agents.skills.skill import Context, Danger, Preview, Refused, Result, Skill
from backend.agents.skills.workspace import visible, visible_lines

LONGEST_ARGUMENT, LONGEST_INPUT = 8_000, 64 << 10
TITLES = {"ru": "Запустить {program}", "en": "Run {program}"}


class Command(BaseModel):
    program: str = Field(max_length=100, description="Its name, as in grep")
    arguments: list[str] = Field(
        default=[], max_length=200, description="One by one, as in -rn, TODO, notes; wildcards are not expanded"
    )
    stdin: str = Field("", max_length=LONGEST_INPUT, description="What the program reads instead of a file")


class ShellRun(Skill[Command]):
    name = "shell_run"
    family = "shell"
    description = (
        "Runs one program in the workspace, without a shell: no pipes, redirections, wildcards or variables."
        f" Harmless: {' '.join(HARMLESS)}. After asking the person: {' '.join(CHANGING)}. No others."
    )
    parameters = Command
    danger = Danger.CONFIRM

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def unavailable(self) -> str:
        return self._sandbox.unavailable()

    async def weigh(self, params: Command, context: Context) -> Danger:
        for argument in (params.program, *params.arguments):
            _plain(argument)
        program, paths = examine_arguments(params.program, params.arguments)
        for path in paths:
            await asyncio.to_thread(_inside, context.workspace, path)
        return Danger.CONFIRM if program.changes else Danger.SAFE

    def has_effect(self, params: Command) -> bool:
        return params.program not in HARMLESS

    def grants(self, params: Command) -> str | None:
        program = CHANGING.get(params.program)
        return f"{self.name} {params.program}" if program and not program.lasting else None

    async def preview(self, params: Command, context: Context) -> Preview:
        title = TITLES["ru" if context.language.lower().startswith("ru") else "en"]
        command = visible(shlex.join([params.program, *params.arguments]))
        given = f"\n\n{visible_lines(params.stdin)}" if params.stdin else ""
        return Preview(title.format(program=params.program), command + given)

    async def run(self, params: Command, context: Context) -> Result:
        program, _ = examine_arguments(params.program, params.arguments)
        room = Room(context.workspace, changes=program.changes)
        ended = await self._sandbox.run(
            room, [params.program, *params.arguments], stdin=params.stdin.encode(errors="replace")
        )
        return Result(told(ended, self._sandbox), origin=f"what {params.program} printed")


def told(ended: Ended, sandbox: Sandbox) -> str:
    """What a program wrote, and how it ended."""
    parts = [_text(ended.output)]
    if ended.cut:
        parts.append(f"… cut here: this is the first {sandbox.bounds.output >> 10} KiB")
    elif ended.code:
        parts.append(f"(exit code {ended.code})")
    return "\n".join(part for part in (*parts, _text(ended.errors)) if part) or "(it printed nothing)"


def _text(output: bytes) -> str:
    return output.decode(errors="replace").replace("\0", "\N{SYMBOL FOR NULL}").rstrip("\n")


def _inside(workspace: Path, path: str) -> None:
    """Only for a clear answer, as the list of options is: the sandbox does not let it out. Raises `Refused`."""
    whole = os.path.realpath(workspace)
    if not Path(os.path.realpath(f"{whole}/{path}")).is_relative_to(whole):
        raise Refused(f"{visible(path)} leads out of the workspace by a symbolic link")


def _plain(argument: str) -> None:
    """Raises `Refused` for what no program can be given."""
    if "\0" in argument or any("\ud800" <= letter <= "\udfff" for letter in argument):
        raise Refused("the command has characters in it that no program can be given (NUL, or lone surrogates)")
    if len(argument) > LONGEST_ARGUMENT:
        raise Refused("an argument is too long")
