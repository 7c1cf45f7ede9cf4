"""Whether a call may be done: decided by code from the skill, its arguments, and what the person has allowed before."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from backend.agents.calls import Known
from backend.agents.framing import frame
from backend.agents.grants import holds
from backend.agents.skills.skill import HIDDEN, Context, Danger, Failed, Preview, Refused, Skill
from backend.agents.skills.workspace import workspace_of
from backend.agents.types import Wanted
from backend.database import Database, Record

CHANGED = (
    "What it would do has changed since the person was asked, so it was not done. If it is still wanted, try again."
)
# Addresses that these were given are theirs to check; what these bring a model may have written, now or in an earlier
# run. Nor is it known what a tool that was given something hidden only gives back.
CHECK_ADDRESSES, BRING_OWN = ("web", "browser"), ("shell", "git", "filesystem", "memory")

# Of so many mistakes in its arguments a model is told.
MOST_MISTAKES = 10


@dataclass(frozen=True, slots=True)
class May:
    """A call that may be done now, by this decision."""

    skill: Skill[Any]
    params: Any
    decision: str


@dataclass(frozen=True, slots=True)
class Asks:
    """A call that a person has to be asked about: before it, or before it is repeated."""

    skill: Skill[Any]
    params: Any
    kind: str
    preview: Preview
    grants: str | None = None


class NotDone(Exception):
    """A call that will not be done; the text tells the model why. `effect`: it might have changed something."""

    def __init__(
        self, decision: str, text: str, arguments: Mapping[str, Any] | None = None, *, effect: bool = True
    ) -> None:
        super().__init__(text)
        self.decision = decision
        self.arguments = arguments or {}
        self.effect = effect


class Leaves(Exception):
    """A call that may have happened, and that nobody is asked about any more."""


def may_have_happened(row: Known | None) -> bool:
    return row is not None and row.effect and row.state in ("started", "uncertain")


class Weighing:
    """Weighs calls for steps; people's folders are in `workspaces`."""

    def __init__(self, db: Database, workspaces: Path) -> None:
        self._db = db
        self._workspaces = workspaces

    def context(self, step: Record, calls: Sequence[Record]) -> Context:
        """On whose behalf a call of a step is made, after those that its run has made so far."""
        told = [(call, orjson.dumps(call["arguments"]).decode()) for call in calls]
        theirs = (call for call, given in told if call["origin"] and HIDDEN not in given)
        shown = (call["result"] or "" for call in theirs if not call["skill"].startswith(BRING_OWN))
        composed = (given for call, given in told if not call["skill"].startswith(CHECK_ADDRESSES))
        return Context(
            bot=step["bot"],
            user_id=step["user_id"],
            chat_id=step["chat_id"],
            thread_id=step["thread_id"],
            scope=step["scope"],
            session_id=step["session_id"],
            run_id=step["run_id"],
            step_id=step["id"],
            language=step["language"],
            workspace=workspace_of(self._workspaces, step["scope"]),
            words=step["request"],
            shown="\n".join(shown),
            composed="\n".join(composed),
        )

    async def weigh(
        self, call: Wanted, row: Known | None, skills: Mapping[str, Skill[Any]], context: Context
    ) -> May | Asks:
        """Raises `NotDone` or `Leaves`."""
        skill, params = _read(call, skills)
        try:
            async with asyncio.timeout(skill.seconds):
                if row and may_have_happened(row):
                    return await _again(row, skill, params, context)
                return await self._weighed(row, skill, params, context)
        except TimeoutError:
            text = f"It took longer than {skill.seconds:g} seconds to find out what it would do."
            raise _not_done("unfit", text, skill, params) from None

    async def _weighed(self, row: Known | None, skill: Skill[Any], params: Any, context: Context) -> May | Asks:
        try:
            danger = await skill.weigh(params, context)
            if danger is Danger.FORBIDDEN:
                raise Refused(f"{skill.name} may not be used like this.")
            if danger is Danger.SAFE:
                return May(skill, params, "safe")
            return await self._confirmed(row, skill, params, context)
        except Refused as refused:
            raise _not_done("forbidden", str(refused), skill, params) from None
        except Failed as failed:  # what it would do cannot even be shown
            text = frame(str(failed), failed.origin) if failed.origin else str(failed)
            raise _not_done("unfit", text, skill, params) from None

    async def _confirmed(self, row: Known | None, skill: Skill[Any], params: Any, context: Context) -> May | Asks:
        """What was shown is what runs: if it would do anything else by now, it is not done. Raises `Refused`."""
        grants = skill.grants(params)
        preview = await skill.preview(params, context)
        if row and row.decision == "confirmed":
            if not row.showed(preview):
                raise _not_done("confirmed", CHANGED, skill, params)
            return May(skill, params, "confirmed")
        if grants and await holds(self._db, context, grants):
            return May(skill, params, "granted")
        return Asks(skill, params, "action", preview, grants)


def _read(call: Wanted, skills: Mapping[str, Skill[Any]]) -> tuple[Skill[Any], Any]:
    skill = skills.get(call.skill)
    if skill is None:
        raise NotDone("unfit", "There is no such skill.")
    effect = skill.danger is not Danger.SAFE
    if call.arguments is None:
        raise NotDone("unfit", "The arguments were no JSON object.", effect=effect)
    try:
        return skill, skill.read(call.arguments)
    except ValidationError as error:
        found = error.errors(include_url=False)[:MOST_MISTAKES]
        wrong = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
        raise NotDone("unfit", "The arguments do not fit. " + "; ".join(wrong), effect=effect) from None


def _not_done(decision: str, text: str, skill: Skill[Any], params: Any) -> NotDone:
    return NotDone(decision, text, skill.redacted(params), effect=skill.has_effect(params))


async def _again(row: Known, skill: Skill[Any], params: Any, context: Context) -> May | Asks:
    """What may have happened is asked about once, and repeated at most once: if it would do what was shown."""
    if row.repeated is not None and (row.repeated, row.state) != ("confirmed", "uncertain"):
        raise Leaves
    try:
        preview = await skill.preview(params, context)
    except (Refused, Failed):  # what it would do may have been done
        preview = Preview(skill.name, orjson.dumps(skill.redacted(params), option=orjson.OPT_INDENT_2).decode())
    if row.repeated is None:
        return Asks(skill, params, "repeat", preview)
    if not row.showed(preview):
        raise Leaves
    return May(skill, params, "confirmed")
