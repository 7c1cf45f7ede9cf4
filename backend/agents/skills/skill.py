"""What every skill is: something that a model may ask for, within bounds that code decides."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel

P = TypeVar("P")


# Stands in the audit for an argument that may be a secret.
HIDDEN = "•••"


class Danger(StrEnum):
    """Whether a call may be done at once, only if the person says so, or never."""

    SAFE = "safe"
    CONFIRM = "confirm"
    FORBIDDEN = "forbidden"


class Refused(Exception):
    """The call oversteps what the skill may do; the text says why, to the model and to the person."""


class Failed(Exception):
    """It was tried, and did not work; the text says why, to the model. `origin` says whose words it repeats."""

    def __init__(self, text: str, origin: str = "") -> None:
        super().__init__(text)
        self.origin = origin


class Uncertain(Failed):
    """It was broken off, and nobody knows how far it had come."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Exactly what will be done, as the person is asked about it: program and arguments, a diff, method and address."""

    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class File:
    """Something that the person gets besides the words, for example a picture of a page."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call. `origin` says where the text is from, if others than this program may have written it."""

    text: str
    origin: str = ""
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """On whose behalf a skill is used.

    `words` is what the person wrote; `shown` is what others wrote and the model was shown in this run so far; what the
    model gave to skills, but for those that check addresses, is `composed`. The `workspace` is a folder of the person
    (in a group: of the group), which is there.
    """

    bot: str
    user_id: str
    chat_id: str
    thread_id: str
    scope: UUID
    session_id: UUID
    run_id: UUID
    step_id: UUID
    language: str
    workspace: Path
    words: str
    shown: str
    composed: str = ""


class Skill(ABC, Generic[P]):
    """Something that an agent can do; `family` is what agents may name instead of each of its skills.

    `seconds` is how long a call may take.
    """

    name: str
    family: str
    description: str
    parameters: ClassVar[type[BaseModel]]
    danger: Danger = Danger.SAFE
    seconds: float = 30.0

    def schema(self) -> dict[str, Any]:
        """The parameters as JSON schema."""
        return self.parameters.model_json_schema()

    def read(self, arguments: Mapping[str, Any]) -> P:
        """The parameters that a model gave. Raises `pydantic.ValidationError`."""
        return self.parameters.model_validate(arguments)  # type: ignore[return-value]

    def unavailable(self) -> str:
        """What is missing here for this skill to be offered; empty if nothing is."""
        return ""

    async def weigh(self, params: P, context: Context) -> Danger:
        """How dangerous this very call is. Raises `Refused`."""
        return self.danger

    def has_effect(self, params: P) -> bool:
        """Whether it changes anything outside, so that it must not happen twice."""
        return self.danger is not Danger.SAFE

    def grants(self, params: P) -> str | None:
        """The kind of action that a person may allow for a while together with this one; None: never."""
        return self.name

    async def preview(self, params: P, context: Context) -> Preview:
        """What the person is asked about. Raises `Refused`."""
        assert isinstance(params, BaseModel)
        return Preview(self.name, orjson.dumps(params.model_dump(mode="json"), option=orjson.OPT_INDENT_2).decode())

    def redacted(self, params: P) -> dict[str, Any]:
        """The arguments as they are audited."""
        assert isinstance(params, BaseModel)
        return params.model_dump(mode="json")

    async def leave(self, step_id: UUID) -> None:
        """Let go of what is kept for a step, which has ended."""
        return

    async def close(self) -> None:
        """End what was begun for it, when the process ends."""
        return

    @abstractmethod
    async def run(self, params: P, context: Context) -> Result:
        """Do it. Raises `Refused` or `Failed`; `Uncertain` where it may have happened all the same."""


@dataclass(frozen=True, slots=True)
class Described:
    """A skill as it is listed; `danger` is that of most of its calls, `missing` why it is not offered here."""

    name: str
    family: str
    description: str
    danger: Danger
    missing: str = ""


class Source(Protocol):
    """Skills that are known only at run time, such as those of a server; their names begin with `family` and `_`."""

    family: str

    def described(self) -> Sequence[Described]:
        """What can be said of them without asking anybody."""

    async def skills(self) -> Sequence[Skill[Any]]:
        """Those that there are now; nobody who is away makes this raise or wait for long."""

    async def close(self) -> None: ...
