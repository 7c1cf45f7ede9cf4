"""Macros: prompts, and plans for agents, that people's messages may ask for."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.lists import CursorInvalid, ListOut, PartWanted, as_list, by_time_and_id, read_cursor, time_and_id
from backend.api.problems import InvalidRequest, told
from backend.api.texts import NO_NUL, Body, Id, Said, Word, storable, without_defaults
from backend.bots import BotNotFound
from backend.database import StorageUnavailable
from backend.gateway import MacroExists, MacroInvalid, MacroNotFound
from backend.gateway.steps import LONGEST_ACTION, MOST_STEPS

router = APIRouter(prefix="/macros", tags=["macros"])

MOST_PARAMETERS, MOST_CHOICES = 32, 100
LONGEST_DESCRIPTION, LONGEST_TEMPLATE = 1_000, 32_000
SLUG = "^[a-z][a-z0-9_-]{0,63}$"

Described = Annotated[
    str, Field(max_length=LONGEST_DESCRIPTION, json_schema_extra={"pattern": NO_NUL}), AfterValidator(storable)
]
About = Annotated[Said, Field(max_length=LONGEST_DESCRIPTION)]
Template = Annotated[
    str, Field(max_length=LONGEST_TEMPLATE, json_schema_extra={"pattern": NO_NUL}), AfterValidator(storable)
]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$")]
Default = Described | Annotated[int, Field(ge=-(2**53), le=2**53)] | float | bool
MacroId = Annotated[UUID, Path(description="The macro's `id`.")]


class ParameterShape(Body):
    """What a template needs to know, and a model finds in the message or what was said before."""

    type: Literal["string", "integer", "number", "boolean", "choice"]
    """A string reaches the template as a quotation that it can name; a value of any other type stands in it."""
    description: Described = Field(default="", examples=["The language to translate into."])
    """For the model."""
    required: bool = False
    default: Default | None = None
    """Holds where the message says nothing."""
    choices: list[Described] = Field(default=[], max_length=MOST_CHOICES, examples=[["formal", "plain"]])
    """Of the type `choice`."""


class StepShape(Body):
    """One step of a plan."""

    agent: str = Field(pattern=SLUG, examples=["research_agent"])
    """The agent's slug."""
    action: Said = Field(max_length=LONGEST_ACTION, examples=["Find the three most important pieces of news."])
    """What it is to do. `{{name}}` stands for a parameter, as in a template."""
    depends_on: list[Annotated[int, Field(ge=1, le=MOST_STEPS)]] = Field(default=[], max_length=MOST_STEPS)
    """The numbers, from 1, of earlier steps whose results it needs. What needs nothing is done at the same time."""


Plan = Annotated[list[StepShape], Field(min_length=1, max_length=MOST_STEPS)]
Parameters = Annotated[dict[Name, ParameterShape], Field(max_length=MOST_PARAMETERS)]


class MacroIn(Body):
    """A new macro."""

    slug: str = Field(pattern=SLUG, examples=["translate"])
    """Its name for models, for good."""
    bot: Id | None = Field(default=None, examples=["support"])
    """Whose it is; null: every bot's. A bot's own hides one of the same slug that every bot has."""
    name: Said = Field(max_length=128, examples=["Translate"])
    description: About = Field(examples=["Translates a text that the person gives."])
    """What it does: by this a model decides whether a message asks for it."""
    template: Template = Field(default="", examples=["Translate {{text}} into {{language}}."])
    """The instruction. `{{name}}` stands for a parameter; the person's message always comes with it, as a quotation."""
    plan: Plan | None = None
    """Either this, for agents, or a template."""
    parameters: Parameters = Field(
        default={}, examples=[{"language": {"type": "string", "required": True}, "text": {"type": "string"}}]
    )
    enabled: bool = True
    """Whether it is offered."""


class MacroChanges(Body):
    """What is given is changed, the rest stays."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    bot: Id | None = None
    """Whose it is; null: every bot's."""
    name: Said = Field(default="", max_length=128)
    description: About = ""
    template: Template = ""
    """Empty, if it is to have a plan."""
    plan: Plan | None = None
    """Null, if it is to have a template."""
    parameters: Parameters = Field(default={})
    """All of them: those that are not given go."""
    enabled: bool = True


class MacroOut(BaseModel):
    """A prompt, or a plan, that messages may ask for."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: UUID
    slug: str
    bot: str | None
    """Null: every bot's."""
    name: str
    description: str
    template: str
    plan: Any
    """Null, if it is a prompt; see what a macro is added with."""
    missing_agents: list[str]
    """Whom the plan names, and who is not there, or not enabled, for the bot: without them the macro is not offered."""
    parameters: Any
    """By name; see what a macro is added with."""
    enabled: bool
    created_at: datetime


class MacrosWanted(PartWanted):
    """Which macros are listed."""

    bot: Word | None = None
    """Its own and those of every bot."""


SHOWN = told(MacroNotFound, InvalidRequest, StorageUnavailable)
WRITTEN = BotNotFound, BodyTooLarge, InvalidRequest, MacroExists, MacroInvalid, StorageUnavailable


@router.get("", responses=told(InvalidRequest, CursorInvalid, StorageUnavailable))
async def list_macros(wanted: Annotated[MacrosWanted, Query()], backend: BackendDep) -> ListOut[MacroOut]:
    """All macros, or those of a bot, enabled or not."""
    after = read_cursor(wanted.cursor, time_and_id)
    page = await backend.gateway.macros.list(wanted.bot, after=after, limit=wanted.limit)
    return as_list(page, MacroOut, by_time_and_id)


@router.post("", status_code=201, responses=told(*WRITTEN))
async def add_macro(macro: MacroIn, backend: BackendDep) -> MacroOut:
    """Add a macro. It is offered within seconds."""
    return MacroOut(**await backend.gateway.macros.add(macro.model_dump(exclude_none=True, mode="json")))


@router.get("/{id}", responses=SHOWN)
async def get_macro(id: MacroId, backend: BackendDep) -> MacroOut:
    """One macro."""
    return MacroOut(**await backend.gateway.macros.get(id))


@router.patch("/{id}", responses=told(MacroNotFound, *WRITTEN))
async def change_macro(id: MacroId, changes: MacroChanges, backend: BackendDep) -> MacroOut:
    """Change a macro; what bots are offered follows within seconds."""
    return MacroOut(**await backend.gateway.macros.change(id, changes.model_dump(exclude_unset=True, mode="json")))


@router.delete("/{id}", status_code=204, response_class=Response, responses=SHOWN)
async def delete_macro(id: MacroId, backend: BackendDep) -> None:
    """Delete a macro. What was decided about messages stays."""
    await backend.gateway.macros.delete(id)
