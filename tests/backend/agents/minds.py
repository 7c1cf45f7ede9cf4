"""Skills and steps to think about."""

from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel

from backend.agents.skills.skill import Context, Result, Skill
from backend.agents.types import Able, Answered, Task, Thought


class Place(BaseModel):
    path: str
    depth: int = 1


class Look(Skill[Place]):
    """Looks somewhere; nobody carries it out here."""

    name = "look"
    family = "filesystem"
    description = "Looks what there is."
    parameters: ClassVar[type[BaseModel]] = Place

    async def run(self, params: Place, context: Context) -> Result:
        raise AssertionError("a mind carries nothing out")


class Listen(Look):
    name = "listen"


SKILLS = (Look(), Listen())
AGENTS = (Able("research_agent", "Finds things\nout."), Able("system_agent", "Works with files."))
TASK = Task(
    chain="",
    instructions="You are Ada, who works with files.",
    language="en",
    request="What is in my folder?",
    action="What is in my folder?",
    skills=SKILLS,
    model_calls=10,
)


def going_on(task: Task, thought: Thought, *texts: str, **changed: Any) -> Task:
    """What is next to be thought about, with the answers to the calls of a thought."""
    answers = [Answered(wanted.call_id, text) for wanted, text in zip(thought.wanted, texts, strict=True)]
    return replace(task, history=thought.history, answers=answers, **changed)
