"""Carries out the steps of runs: what a worker does with one that it was rung for."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import structlog

from backend.agents.calls import Calls
from backend.agents.carrying import Carrying
from backend.agents.claims import Claim, Lost, claim, keep
from backend.agents.insisting import insist
from backend.agents.settling import After, PromiseOf
from backend.agents.skills.skill import Skill
from backend.agents.steps import Spent, StepFailed, Steps, inputs_of, read, what_is_done, who_is_able
from backend.agents.types import LimitReached, Mind, PlanUnusable, Request, Task, Thought
from backend.agents.weighing import Weighing
from backend.database import Database, Record, StorageUnavailable
from backend.jobs import Jobs
from backend.llm import NoProviderAnswered

log = structlog.get_logger(__name__)

# What was interrupted so often in a row would be again, and may take its worker with it.
MOST_LOST = 4
# When no model answers, the next try is so many seconds later, then twice as many, and so on.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 120.0


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings of runs: whether an agent may go on until its result is good, and how a person is asked.

    An autonomous agent has so many `iterations` of calls, and its result is judged: below `quality`, from 0 to 1, it is
    told what is missing, once. Any other one calls skills once and answers.
    """

    autonomous: bool
    iterations: int
    quality: float
    confirmation_seconds: float
    workspaces: Path

    @property
    def rounds(self) -> int:
        """How often a step may call skills."""
        return self.iterations if self.autonomous else 1

    @property
    def judges(self) -> bool:
        return self.autonomous and self.quality > 0


class Skills(Protocol):
    """What agents can do here: see `backend.agents.skills`."""

    async def of(self, names: Sequence[str]) -> dict[str, Skill[Any]]: ...

    async def leave(self, step_id: UUID) -> None: ...


class Workshop:
    """Carries steps out, one move at a time: the calls that a model wants, and what it says to what they bring.

    What a move needs is read from the database, and what comes of it is there before the next one is rung for: whoever
    dies in between is followed by whoever comes next.
    """

    def __init__(self, db: Database, jobs: Jobs, mind: Mind, skills: Skills, promise: PromiseOf, rules: Rules) -> None:
        self._db = db
        self._jobs = jobs
        self._mind = mind
        self._skills = skills
        self._rules = rules
        self._steps = Steps(db, promise)
        weighing = Weighing(db, rules.workspaces)
        self._carrying = Carrying(Calls(db, promise), weighing, confirmation_seconds=rules.confirmation_seconds)

    async def advance(self, step_id: UUID) -> None:
        """Carry a step on, if it is due and nobody else does; what is left amid it, the sweep comes back to.

        Raises `StorageUnavailable` if nothing was begun.
        """
        mine = await claim(self._db, step_id)
        if mine is None:
            return
        after = After()
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(keep(self._db, mine))
                try:
                    after = await self._move(mine, Spent())
                except StorageUnavailable:
                    log.warning("step_left", step_id=str(step_id), attempt=mine.attempt)
                    after = After(unfinished=frozenset([step_id]))
                finally:
                    keeping.cancel()
        except* Lost:
            log.warning("step_lost", step_id=str(step_id), attempt=mine.attempt)
        after.ring(self._jobs)
        if step_id not in after.unfinished:
            await self._skills.leave(step_id)

    async def _move(self, mine: Claim, spent: Spent) -> After:
        step = await read(self._db, mine.step_id)
        if step is None:
            raise Lost
        try:
            if mine.lost > MOST_LOST:
                raise StepFailed("interrupted")
            return await self._carry_on(mine, spent, step)
        except NoProviderAnswered as problem:
            return await self._without_model(mine, spent, problem)
        except (Lost, StorageUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - a step that cannot be carried out must not be tried for ever
            return await self._fail(mine, spent, _problem(error, mine, spent))

    async def _carry_on(self, mine: Claim, spent: Spent, step: Record) -> After:
        if step["milliseconds"] >= step["max_minutes"] * 60_000:
            raise StepFailed("limit-minutes")
        if step["kind"] == "plan":
            return await self._plan(mine, spent, step)
        if step["result"] is not None:
            return await self._judge(mine, spent, step)
        return await self._act(mine, spent, step)

    async def _act(self, mine: Claim, spent: Spent, step: Record) -> After:
        """Carry out what the model wants, if it does, and hear what it says to what came of it."""
        if step["instructions"] is None:
            raise StepFailed("agent-unknown")
        skills, answers = await self._skills.of(step["skills"]), []
        if step["history"] and (wanted := self._mind.wanted(step["history"])):
            carried = await self._carrying.carry_out(mine, spent, step, skills, wanted)
            if isinstance(carried, After):
                return carried
            answers = carried
        offered = list(skills.values()) if step["rounds"] < self._rules.rounds else []
        self._check_requests(step)
        mine.check()
        thought = await self._mind.think(
            Task(
                chain=step["llm_chain"] or step["bot_chain"],
                instructions=step["instructions"],
                language=step["language"],
                request=step["request"],
                action=step["action"],
                inputs=inputs_of(step),
                skills=offered,
                history=step["history"],
                answers=answers,
                feedback=step["feedback"] or "",
                model_calls=step["max_model_calls"] - step["model_calls"],
                tokens=step["max_tokens"] - step["tokens"],
            )
        )
        spent.add(thought.calls, thought.tokens)
        return await self._record(mine, spent, step, thought, offered=bool(offered))

    async def _record(self, mine: Claim, spent: Spent, step: Record, thought: Thought, *, offered: bool) -> After:
        if thought.wanted and offered:
            return await insist(lambda: self._steps.go_on(mine, spent, step, thought))
        if not thought.text.strip():
            raise StepFailed("answer-empty")
        may_judge = self._rules.judges and step["feedback"] is None
        return await insist(lambda: self._steps.answer(mine, spent, thought, may_judge=may_judge))

    async def _plan(self, mine: Claim, spent: Spent, step: Record) -> After:
        able = await who_is_able(self._db, step)
        if not able:
            raise StepFailed("agent-unknown")
        self._check_requests(step)
        done, agents = await what_is_done(self._db, step["run_id"]), [agent for agent, _ in able.values()]
        request = Request(step["request"], step["action"])
        plan = await self._mind.plan(request, agents, done, chain=step["bot_chain"])
        spent.add(plan.calls, plan.tokens)
        queues = {slug: queue for slug, (_, queue) in able.items()}
        return await insist(lambda: self._steps.plan(mine, spent, plan.steps, queues))

    async def _judge(self, mine: Claim, spent: Spent, step: Record) -> After:
        """Once in a run: a result that is not good enough gets one more iteration, with what is missing in it."""
        missing = ""
        if step["model_calls"] + 1 < step["max_model_calls"] and step["tokens"] < step["max_tokens"]:
            task, result = await self._steps.so_far(step["run_id"], step["id"])
            judged = await self._mind.judge(Request(step["request"], task), result, chain=step["bot_chain"])
            spent.add(judged.calls, judged.tokens)
            missing = judged.reason if judged.score < self._rules.quality else ""
        return await insist(lambda: self._steps.judge(mine, spent, step, missing))

    def _check_requests(self, step: Record) -> None:
        """Raises `StepFailed`."""
        if step["model_calls"] >= step["max_model_calls"]:
            raise StepFailed("limit-model-calls")
        if step["tokens"] >= step["max_tokens"]:
            raise StepFailed("limit-tokens")

    async def _without_model(self, mine: Claim, spent: Spent, problem: NoProviderAnswered) -> After:
        spent.add(problem.calls)
        if mine.lost >= MOST_LOST:
            return await self._fail(mine, spent, "no-provider-answered")
        pause = min(max(FIRST_PAUSE_SECONDS * 2**mine.lost, problem.retry_after or 0), LONGEST_PAUSE_SECONDS)
        return await insist(lambda: self._steps.wait_a_while(mine, spent, pause))

    async def _fail(self, mine: Claim, spent: Spent, problem: str) -> After:
        return await insist(lambda: self._steps.fail(mine, spent, problem))


def _problem(error: Exception, mine: Claim, spent: Spent) -> str:
    """The word for why a step failed; what was paid for all the same is counted."""
    match error:
        case StepFailed():
            return error.problem
        case LimitReached():
            return "limit-tokens"
        case PlanUnusable():
            spent.add(error.calls, error.tokens)
            return "plan-unusable"
    log.error("step_failed", step_id=str(mine.step_id), attempt=mine.attempt, exc_info=error)
    return "unexpected"
