from collections.abc import Sequence
from typing import Any

from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults
from pydantic_ai.exceptions import UsageLimitExceeded
from pydantic_ai.messages import ModelMessagesTypeAdapter
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import ExternalToolset
from pydantic_ai.usage import UsageLimits

from backend.agents.thinking.chain import Chain
from backend.agents.thinking.history import UNUSABLE, wanted_in
from backend.agents.thinking.instructions import NO_MORE_CALLS, NO_RESULT, feedback_of, instructions_for, step_of
from backend.agents.thinking.judging import accepted, judge_prompt, read_judgement
from backend.agents.thinking.planning import REPAIR, plan_prompt, read_plan
from backend.agents.thinking.spending import spent
from backend.agents.types import Able, Done, Judgement, LimitReached, Plan, PlanUnusable, Request, Task, Thought, Wanted
from backend.llm import ChatMessage, Completion, Llm, NoProviderAnswered, Purpose


class Thinking:
    """A `Mind` that asks the chains of `Llm`; steps are conversations of pydantic-ai, skills its external tools."""

    def __init__(self, llm: Llm) -> None:
        self._llm = llm

    async def think(self, task: Task) -> Thought:
        chain = Chain(self._llm, task.chain, task.tokens)
        history = await self._converse(task, chain)
        assert chain.said
        return Thought(history, chain.said.text, wanted_in(history), chain.spent, chain.said.calls)

    def wanted(self, history: Sequence[Any]) -> tuple[Wanted, ...]:
        return wanted_in(history)

    async def plan(self, request: Request, agents: Sequence[Able], done: Sequence[Done], *, chain: str) -> Plan:
        """A plan that cannot be used is asked for once more, with what is wrong."""
        prompt = plan_prompt(request, agents, done)
        reply, tokens = await self._ask(Purpose.PLANNER, prompt, chain)
        try:
            return Plan(read_plan(reply.text, agents), tokens, reply.calls)
        except PlanUnusable as unusable:
            repair = REPAIR.format(reason=unusable)
        again = [*prompt, ChatMessage("assistant", reply.text), ChatMessage("user", repair)]
        try:
            repaired, more = await self._ask(Purpose.PLANNER, again, chain)
        except NoProviderAnswered as problem:
            raise NoProviderAnswered((*reply.calls, *problem.calls), retry_after=problem.retry_after) from None
        calls, tokens = (*reply.calls, *repaired.calls), tokens + more
        try:
            return Plan(read_plan(repaired.text, agents), tokens, calls)
        except PlanUnusable as unusable:
            raise PlanUnusable(str(unusable), calls, tokens) from None

    async def judge(self, request: Request, result: str, *, chain: str) -> Judgement:
        prompt = judge_prompt(request, result)
        try:
            reply, tokens = await self._ask(Purpose.JUDGE, prompt, chain)
        except NoProviderAnswered as problem:
            return accepted("nobody answered", problem.calls)
        try:
            score, reason = read_judgement(reply.text)
        except ValueError as unreadable:
            return accepted(str(unreadable), reply.calls, tokens)
        return Judgement(score, reason, tokens, reply.calls)

    async def _converse(self, task: Task, chain: Chain) -> list[Any]:
        """The history with one more answer. Raises `LimitReached`, `NoProviderAnswered`."""
        agent: Agent[None, str | DeferredToolRequests] = Agent(
            chain,
            instructions=instructions_for(task),
            output_type=[str, DeferredToolRequests],
            toolsets=[_toolset(task)],
        )
        try:
            result = await agent.run(
                _prompt(task),
                message_history=ModelMessagesTypeAdapter.validate_python(task.history or []),
                deferred_tool_results=_results(task),
                usage_limits=UsageLimits(request_limit=min(task.model_calls, 1)),
            )
        except UsageLimitExceeded:
            raise LimitReached from None
        history: list[Any] = ModelMessagesTypeAdapter.dump_python(result.all_messages(), mode="json", exclude_none=True)
        return history

    async def _ask(self, purpose: Purpose, prompt: Sequence[ChatMessage], chain: str) -> tuple[Completion, int]:
        """An answer in words, and the tokens that it took."""
        completion = await self._llm.complete(purpose, prompt, chain=chain)
        return completion, spent(completion, prompt)


def _toolset(task: Task) -> ExternalToolset[None]:
    """Every skill, to be carried out by others; and the stand-in for calls that nobody can carry out."""
    offered = [
        ToolDefinition(name=skill.name, description=skill.description, parameters_json_schema=skill.schema())
        for skill in task.skills
    ]
    return ExternalToolset([*offered, ToolDefinition(name=UNUSABLE)])


def _prompt(task: Task) -> str | None:
    """What the model is told now, besides the results of its calls."""
    if not task.history:
        return step_of(task)
    if task.feedback:
        return feedback_of(task)
    return None if task.skills else NO_MORE_CALLS


def _results(task: Task) -> DeferredToolResults | None:
    """An answer to each call with which the history ends; none is left open, since no provider takes that."""
    answers = {answer.call_id: answer.text for answer in task.answers}
    wanted = [call.call_id for call in wanted_in(task.history or ())]
    return DeferredToolResults(calls={id: answers.get(id, NO_RESULT) for id in wanted}) if wanted else None
