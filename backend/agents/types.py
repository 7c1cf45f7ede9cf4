"""The words between those who think (models), and those who carry out and record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID, uuid4

from backend.agents.skills.skill import Skill
from backend.llm import Call


@dataclass(frozen=True, slots=True)
class Input:
    """The result of an earlier step, which this one needs."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a call of the model's; the text is framed, if it is from others."""

    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that a model wants; its arguments are None if they were no JSON object."""

    call_id: str
    skill: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Task:
    """What a model is to think about next.

    `request` is what the person wrote; `action` is this step's part of it. `history` is the step's so far (None: it
    begins), and `answers` belong to the calls of its last response. Without `skills` the model has to answer in words.
    `feedback` says why the answer before was not good enough. `model_calls` and `tokens` are what may still be spent.
    """

    chain: str
    instructions: str
    language: str
    request: str
    action: str
    inputs: Sequence[Input] = ()
    skills: Sequence[Skill[Any]] = ()
    history: list[Any] | None = None
    answers: Sequence[Answered] = ()
    feedback: str = ""
    model_calls: int = 1
    tokens: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Thought:
    """What a model said: an answer, or the calls it wants; with the history that goes on from there."""

    history: list[Any]
    text: str
    wanted: tuple[Wanted, ...] = ()
    tokens: int = 0
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Able:
    """An agent, as a planner knows it."""

    slug: str
    description: str


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of a plan; `depends_on` counts the steps of the same plan from 1."""

    agent: str
    action: str
    depends_on: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is for: the person's words, such as "yes, do that", and the `task` that a model took them for."""

    words: str
    task: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """A step of an earlier plan, for the one who plans anew: what came of it, or why it failed."""

    action: str
    status: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """At most ten steps, each of an agent that there is, none depending on itself through others."""

    steps: tuple[PlannedStep, ...]
    tokens: int = 0
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """How well a result does what was asked, 0 to 1, and what is missing."""

    score: float
    reason: str
    tokens: int = 0
    calls: tuple[Call, ...] = ()


class LimitReached(Exception):
    """No more may be spent on this: nobody was asked."""


class PlanUnusable(Exception):
    """The model's plan cannot be read, or names what there is not. `calls` were paid for all the same."""

    def __init__(self, reason: str, calls: Sequence[Call] = (), tokens: int = 0) -> None:
        super().__init__(reason)
        self.calls = tuple(calls)
        self.tokens = tokens


class Mind(Protocol):
    """Asks models; nothing here writes to the database. Of a history it knows what it means, nobody else has to."""

    async def think(self, task: Task) -> Thought:
        """One request to the chain. Raises `NoProviderAnswered`, which carries what was paid, and `LimitReached`."""

    def wanted(self, history: Sequence[Any]) -> tuple[Wanted, ...]:
        """The calls with which a history ends: they have to be answered before it goes on."""

    async def plan(self, request: Request, agents: Sequence[Able], done: Sequence[Done], *, chain: str) -> Plan:
        """The steps that are still to be done. Raises `PlanUnusable`, `NoProviderAnswered`."""

    async def judge(self, request: Request, result: str, *, chain: str) -> Judgement:
        """A judgement that cannot be had is a good one: no result is lost by it."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A run that a message asks for, as it is stored with its turn; `kind` is agent, macro or dynamic.

    Each step is a row of `run_steps`: id, kind, agent, action, queue, depends_on, numbered from 1. `limits` are the
    columns of `agent_runs` that say how much it may spend. It begins only if the person has less than `at_once`.
    """

    kind: str
    target: str | None
    title: str
    request: str
    limits: dict[str, int]
    steps: list[dict[str, Any]] = field(default_factory=list)
    at_once: int = 1
    id: UUID = field(default_factory=uuid4)
