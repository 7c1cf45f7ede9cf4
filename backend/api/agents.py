"""Agents: who carries out what people ask for, and with which skills."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from backend.agents.skills import Described
from backend.api.bots import Chain, Ids, LlmChainInvalid, prove
from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.lists import CursorInvalid, ListOut, PartWanted, as_list, by_time_and_id, read_cursor, time_and_id
from backend.api.macros import About
from backend.api.problems import InvalidRequest, told
from backend.api.texts import Body, Id, Said, Word, without_defaults
from backend.bootstrap import Backend
from backend.bots import BotNotFound
from backend.database import Record, StorageUnavailable
from backend.gateway import AgentExists, AgentNotFound

router = APIRouter(prefix="/agents", tags=["agents"])

LONGEST_INSTRUCTIONS, MOST_SKILLS = 32_000, 100
# Its tools are known only while the server runs.
OF_SERVERS = "mcp"

Skill = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_.-]{0,127}$")]
AgentId = Annotated[UUID, Path(description="The agent's `id`.")]


class _Settings(Body):
    """What an agent is, apart from what it cannot be without."""

    bot: Id | None = Field(default=None, examples=["support"])
    """Whose it is; null: every bot's. A bot's own hides one of the same slug that every bot has."""
    skills: list[Skill] = Field(default=[], max_length=MOST_SKILLS, examples=[["web", "filesystem_read"]])
    """What it can do: skills, or whole families of them, as `GET /v1/skills` lists them."""
    llm_chain: Chain = Field(default="", examples=["openrouter:google/gemini-2.5-flash"])
    """Which models it asks; empty: those of the bot."""
    queue: Literal["high", "default", "low", "browser"] = "default"
    """Where its steps wait for a worker; `browser` is for those that need one."""
    allowed_user_ids: Ids = Field(default=[], examples=[["42"]])
    """Who may use it; nobody named: everybody who may talk to the bot."""
    max_model_calls: int | None = Field(default=None, ge=1, le=1_000)
    """What a run of it may spend; null: as the setting of the same name."""
    max_tool_calls: int | None = Field(default=None, ge=0, le=1_000)
    """Calls of skills."""
    max_tokens: int | None = Field(default=None, ge=1_000, le=100_000_000)
    """Of all model calls together."""
    max_minutes: int | None = Field(default=None, ge=1, le=24 * 60)
    """Without those in which it waits for a person."""
    enabled: bool = True
    """Whether it is offered."""

    async def given(self, variables: Mapping[str, str]) -> dict[str, Any]:
        """What the request names. Raises `LlmChainInvalid`."""
        if self.llm_chain:
            await prove(self.llm_chain, variables)
        return self.model_dump(exclude_unset=True, mode="json")


class AgentIn(_Settings):
    """A new agent."""

    slug: str = Field(pattern="^[a-z][a-z0-9_-]{0,63}$", examples=["librarian"])
    """Its name for models, for good."""
    name: Said = Field(max_length=128, examples=["Librarian"])
    description: About = Field(examples=["Finds books, and says which of them are at hand."])
    """What it does: by this a model decides whether to ask it."""
    instructions: Said = Field(
        max_length=LONGEST_INSTRUCTIONS, examples=["Look into catalogue.csv first. Name the shelf of every book."]
    )
    """What it is told before each task."""


class AgentChanges(_Settings):
    """What is given is changed, the rest stays."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    name: Said = Field(default="", max_length=128)
    description: About = ""
    instructions: Said = Field(default="", max_length=LONGEST_INSTRUCTIONS)


class AgentOut(BaseModel):
    """Who can be asked to do something."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: UUID
    slug: str = Field(examples=["librarian"])
    bot: str | None
    """Null: every bot's."""
    name: str
    description: str
    instructions: str
    skills: list[str]
    unknown_skills: list[str]
    """Those of them that there are not: it goes without."""
    llm_chain: str
    queue: str
    allowed_user_ids: list[str]
    max_model_calls: int | None
    max_tool_calls: int | None
    max_tokens: int | None
    max_minutes: int | None
    enabled: bool
    created_at: datetime


class AgentsWanted(PartWanted):
    """Which agents are listed."""

    bot: Word | None = None
    """Its own and those of every bot."""


SHOWN = told(AgentNotFound, InvalidRequest, StorageUnavailable)
WRITTEN = AgentExists, BotNotFound, BodyTooLarge, InvalidRequest, LlmChainInvalid, StorageUnavailable


def _told(row: Record, backend: Backend) -> dict[str, Any]:
    return dict(row) | {"unknown_skills": unknown(row["skills"], backend.skills.described())}


def unknown(names: Collection[str], described: Collection[Described]) -> list[str]:
    """Those that name neither a skill nor a family."""
    known = {skill.name for skill in described} | {skill.family for skill in described}
    return [name for name in names if name not in known and name.split("_")[0] != OF_SERVERS]


@router.get("", responses=told(InvalidRequest, CursorInvalid, StorageUnavailable))
async def list_agents(wanted: Annotated[AgentsWanted, Query()], backend: BackendDep) -> ListOut[AgentOut]:
    """All agents, or those of a bot, enabled or not."""
    after = read_cursor(wanted.cursor, time_and_id)
    page = await backend.gateway.agents.list(wanted.bot, after=after, limit=wanted.limit)
    return as_list(page, AgentOut, by_time_and_id, lambda row: _told(row, backend))


@router.post("", status_code=201, responses=told(*WRITTEN))
async def add_agent(agent: AgentIn, backend: BackendDep) -> AgentOut:
    """Add an agent. It is offered within seconds."""
    return AgentOut(**_told(await backend.gateway.agents.add(await agent.given(backend.variables)), backend))


@router.get("/{id}", responses=SHOWN)
async def get_agent(id: AgentId, backend: BackendDep) -> AgentOut:
    """One agent."""
    return AgentOut(**_told(await backend.gateway.agents.get(id), backend))


@router.patch("/{id}", responses=told(AgentNotFound, *WRITTEN))
async def change_agent(id: AgentId, changes: AgentChanges, backend: BackendDep) -> AgentOut:
    """Change an agent. What is under way goes on with it as it is then."""
    return AgentOut(**_told(await backend.gateway.agents.change(id, await changes.given(backend.variables)), backend))


@router.delete("/{id}", status_code=204, response_class=Response, responses=SHOWN)
async def delete_agent(id: AgentId, backend: BackendDep) -> None:
    """Delete an agent. Steps that it has not ended fail; to keep it for later, let it be not `enabled`."""
    await backend.gateway.agents.delete(id)
