"""Scripted conversations for a simulated provider: who is asked, about what, in which round, and what it says then.

    provider.rule = plays(
        Scene("tidy up", CallsTool("list_files", {}), CallsTools(ToolUse(…), ToolUse(…)), "All tidy."),
        Scene("trip", '{"steps": […]}', by=PLANNER),
        Scene("trip", '{"score": 0.4, "reason": "no prices"}', by=JUDGE),
        Scene("read the page", CallsTool("web_fetch", {"url": url}), lambda seen: obeys(seen.brought)),
    )

What is said depends on the conversation that comes along and on nothing else: the same question gets the same answer,
also from another worker, after a kill, or twice. Round n of an agent gets line n of its scene, and the last one stays.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from backend.agents.thinking.judging import TASK as JUDGES
from backend.agents.thinking.planning import TASK as PLANS
from tests.simulators.provider_behaviours import Answer, Behaviour, Json, written

ACTION = "Your step of it:\n"


class By(StrEnum):
    """Who is asked; told by what the prompt begins with."""

    AGENT = "agent"
    PLANNER = "planner"
    JUDGE = "judge"
    CHAT = "chat"


AGENT, PLANNER, JUDGE, CHAT = By


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model was shown."""

    messages: Sequence[Json]
    tools: Sequence[str]

    @property
    def by(self) -> By:
        system = str(self.messages[0]["content"])
        if system.startswith(PLANS[:40]):
            return PLANNER
        if system.startswith(JUDGES[:40]):
            return JUDGE
        return AGENT if "You carry out one step of what" in system else CHAT

    @property
    def round(self) -> int:
        """How often the model has spoken in this conversation, this time included."""
        return 1 + len([message for message in self.messages if message["role"] == "assistant"])

    @property
    def asked(self) -> str:
        """What it is about: of an agent its step, of a plan or a judgement the request, else the newest message."""
        questions = [written(message["content"]) for message in self.messages if message["role"] == "user"] or [""]
        asked = questions[-1 if self.by is CHAT else 0].partition("\n\n[data ")[0]
        return asked.partition(ACTION)[2] or asked

    @property
    def brought(self) -> list[str]:
        """What the calls of the last round have brought, in their order."""
        brought: list[str] = []
        for message in reversed(self.messages):
            if message["role"] == "assistant":
                break
            if message["role"] == "tool":
                brought.insert(0, message["content"])
        return brought


Line: TypeAlias = "str | Behaviour | Callable[[Seen], str | Behaviour]"


class Scene:
    """What one `by` whom a text with the `cue` (a regular expression, any case) is asked says, round by round."""

    def __init__(self, cue: str, *lines: Line, by: By = AGENT) -> None:
        self._cue = re.compile(cue, re.I | re.S)
        self._lines = lines
        self._by = by

    def play(self, seen: Seen) -> Behaviour | None:
        if seen.by is not self._by or not self._cue.search(seen.asked):
            return None
        line = self._lines[min(seen.round, len(self._lines)) - 1]
        said = line(seen) if callable(line) else line
        return Answer(said) if isinstance(said, str) else said


def plays(*scenes: Scene) -> Callable[[Json], Behaviour | None]:
    """A rule for a provider; the first scene that fits is played, and without one it does as usual."""

    def rule(body: Json) -> Behaviour | None:
        tools = [tool["function"]["name"] for tool in body.get("tools", ())]
        seen = Seen(body["messages"], tools)
        return next((played for scene in scenes if (played := scene.play(seen))), None)

    return rule
