"""Carries out what a model wants to have called: each call is weighed, asked about where it matters, and done once."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from backend.agents.calls import Audited, Calls, Known, Outcome, Question
from backend.agents.claims import Claim
from backend.agents.framing import frame
from backend.agents.insisting import insist
from backend.agents.settling import After
from backend.agents.skills.skill import Context, Failed, Refused, Result, Skill, Uncertain
from backend.agents.steps import Spent
from backend.agents.storable import storable
from backend.agents.types import Answered, Wanted
from backend.agents.weighing import Asks, Leaves, May, NotDone, Weighing, may_have_happened
from backend.database import Record

log = structlog.get_logger(__name__)

UNCERTAIN = "It was interrupted: it may have happened or not. It was not repeated, and must not be without asking."
# What a model makes of a name may be long.
LONGEST_NAME = 128


class Carrying:
    """Everything raises `Lost` once the step is no longer this worker's, `StepFailed` and `StorageUnavailable`."""

    def __init__(self, calls: Calls, weighing: Weighing, *, confirmation_seconds: float) -> None:
        self._calls = calls
        self._weighing = weighing
        self._confirmation_seconds = confirmation_seconds

    async def carry_out(
        self, mine: Claim, spent: Spent, step: Record, skills: Mapping[str, Skill[Any]], wanted: Sequence[Wanted]
    ) -> list[Answered] | After:
        """What became of the calls; or, if a person is asked about one, what to ring for. What need not wait is done.

        People are asked one thing after another: each answer has its effect at once.
        """
        known, question = await self._calls.known(step["id"]), None
        for call in wanted:
            row = known.get(call.call_id)
            if row and row.over:
                continue
            asks = await self._settle(mine, call, row, step, skills)
            question = question or (asks and (call, asks))
        if question:
            call, asks = question
            asked = Question(asks.kind, asks.preview, asks.grants, self._confirmation_seconds)
            return await self._calls.ask(mine, spent, _audited(call, asks), asked)
        known = await self._calls.known(step["id"])
        return [Answered(call.call_id, known[call.call_id].result or UNCERTAIN) for call in wanted]

    async def _settle(
        self, mine: Claim, call: Wanted, row: Known | None, step: Record, skills: Mapping[str, Skill[Any]]
    ) -> Asks | None:
        """Do the call, or refuse it; or return what has to be asked first."""
        context = self._weighing.context(step, await self._calls.of_run(step["run_id"]))
        try:
            weighed = await self._weighing.weigh(call, row, skills, context)
        except NotDone as refused:
            if may_have_happened(row):
                await self._calls.leave(mine, call.call_id)
            else:
                name = storable(call.skill[:LONGEST_NAME])
                audited = Audited(call.call_id, name, refused.arguments, refused.effect)
                await self._calls.refuse(mine, audited, refused.decision, storable(str(refused)))
        except Leaves:
            await self._calls.leave(mine, call.call_id)
        else:
            if isinstance(weighed, Asks):
                return weighed
            await self._do(mine, call, weighed, context)
        return None

    async def _do(self, mine: Claim, call: Wanted, may: May, context: Context) -> None:
        """Once: it is recorded that it begins before it does, and it does not begin late."""
        mine.check()
        await self._calls.start(mine, _audited(call, may), may.decision)
        mine.check()
        since = time.monotonic()
        outcome = await _outcome(may, context)
        milliseconds = round((time.monotonic() - since) * 1000)
        await insist(lambda: self._calls.finish(mine, call.call_id, outcome, milliseconds))


def _audited(call: Wanted, weighed: May | Asks) -> Audited:
    skill, params = weighed.skill, weighed.params
    return Audited(call.call_id, skill.name, skill.redacted(params), skill.has_effect(params))


async def _outcome(may: May, context: Context) -> Outcome:
    effect = may.skill.has_effect(may.params)
    try:
        async with asyncio.timeout(may.skill.seconds):
            return _done(await may.skill.run(may.params, context))
    except Refused as refused:
        return Outcome("refused", storable(str(refused)), problem="refused")
    except Uncertain as broken:
        return _broken_off(f"{broken}.", "broken-off", effect=effect)
    except Failed as failed:
        text = frame(str(failed), failed.origin) if failed.origin else str(failed)
        return Outcome("failed", storable(text), failed.origin, len(text), problem="failed")
    except TimeoutError:
        text = f"It took longer than {may.skill.seconds:g} seconds, and was stopped."
        return _broken_off(text, "timeout", effect=effect)
    except Exception as error:  # whatever a skill has overlooked, the run goes on
        log.error("skill_failed", skill=may.skill.name, run_id=str(context.run_id), exc_info=error)
        return _broken_off("It failed for a reason that nobody expected.", type(error).__name__, effect=effect)


def _done(result: Result) -> Outcome:
    text = frame(result.text, result.origin) if result.origin else result.text
    return Outcome("done", storable(text), result.origin, len(result.text), files=result.files)


def _broken_off(text: str, problem: str, *, effect: bool) -> Outcome:
    """Who was interrupted does not know how far it had come."""
    if effect:
        return Outcome("uncertain", f"{text} It may have happened all the same: do not repeat it.", problem=problem)
    return Outcome("failed", text, problem=problem)
