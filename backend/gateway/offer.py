"""What one bot can do for one person, beside talking."""

from collections.abc import Iterable, Sequence

from backend.gateway.choices import Agent, Choice, Planning, Prepared
from backend.gateway.macros import Macro
from backend.gateway.route import Strategy
from backend.llm import Tool


class Offer:
    """The macros and agents that there are, and a plan, if there are agents. Nothing else is ever run.

    A macro whose plan names an agent that is not there is left out.
    """

    def __init__(self, macros: Iterable[Macro], agents: Sequence[Agent]) -> None:
        by_slug = {agent.slug: agent for agent in agents}
        prepared = [Prepared(macro, by_slug) for macro in macros if all(step.agent in by_slug for step in macro.plan)]
        planning = [Planning(agents)] if agents else []
        self.choices: Sequence[Choice] = [*prepared, *agents, *planning]
        self._by_target = {(choice.strategy, choice.target): choice for choice in self.choices}
        self.tools: Sequence[Tool] = [choice.tool() for choice in self.choices]
        self._by_name = {tool.name: choice for tool, choice in zip(self.tools, self.choices, strict=True)}

    def __bool__(self) -> bool:
        return bool(self.choices)

    def find(self, strategy: Strategy, target: str | None) -> Choice | None:
        """What a categorizer names."""
        return self._by_target.get((strategy, None if strategy is Strategy.DYNAMIC else target))

    def called(self, tool: str) -> Choice | None:
        """What a model calls."""
        return self._by_name.get(tool)


NOTHING = Offer((), ())
