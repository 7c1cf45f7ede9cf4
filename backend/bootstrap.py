"""The one place where the parts are put together; it reads as the architecture."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from backend.agents import Agents
from backend.agents.skills import Means, Skills, shipped, sources
from backend.bots import Bots, Rules, Seal
from backend.chat import Chat, TurnLimits
from backend.database import Database
from backend.gateway import Gateway, Mode, RunLimits
from backend.jobs import CeleryJobs, Jobs, make_celery
from backend.llm import Attachments, Llm, Provider, Purpose
from backend.llm.catalog import ChainInvalid, read_chain, read_transcribers
from backend.llm.embedder import read_embedder
from backend.llm.prices import read_prices
from backend.llm.variables import Variables
from backend.memory import Documents, Limits, Memory
from backend.memory.indexing import Chosen, Indexing, VectorIndexes
from backend.memory.retrieval.search import Retrieval
from backend.memory.vectors import PgVector, Qdrant, VectorStore
from backend.settings import Settings, environment

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backend:
    """The parts that the API and the worker use."""

    settings: Settings
    db: Database
    variables: Variables
    bots: Bots
    llm: Llm
    memory: Memory
    indexes: VectorIndexes
    indexing: Indexing
    documents: Documents
    attachments: Attachments
    jobs: Jobs
    agents: Agents
    skills: Skills
    gateway: Gateway
    chat: Chat

    async def refresh(self) -> None:
        """Takes up what was set in the console, here or by another process."""
        if await self.variables.refresh():
            try:
                chains = read_chains(self.settings, self.variables)
            except ChainInvalid as error:
                log.warning("chain_invalid", reason=str(error))
            else:
                self.llm.use(chains, lambda chain: read_chain(chain, self.variables))

    @property
    def chain(self) -> str:
        """Who answers, as it is written in the environment or was set in the console; empty: all that are set up."""
        return chain_of(self.settings, self.variables)


@asynccontextmanager
async def open_backend(settings: Settings, jobs: Jobs | None = None) -> AsyncIterator[Backend]:
    """Everything, from the settings; raises `ChainInvalid` or `PricesInvalid` if those cannot be read.

    Without `jobs` of the caller's, background work is asked for by the broker.
    """
    asking = jobs or CeleryJobs(make_celery(settings.redis_url.get_secret_value()))
    variables = environment()
    llm = Llm(
        read_chains(settings, variables),
        time_limit=settings.llm_timeout_seconds,
        prices=read_prices(settings.llm_prices),
        read=lambda chain: read_chain(chain, variables),
    )
    async with Database(settings.database_url.get_secret_value()) as db:
        backend = assemble(settings, db, llm, asking)
        await backend.refresh()
        try:
            yield backend
        finally:
            await backend.skills.close()
            await backend.indexes.close()
            await llm.close()
            if isinstance(asking, CeleryJobs):
                asking.close()


def assemble(settings: Settings, db: Database, llm: Llm, jobs: Jobs) -> Backend:
    bots, variables = open_bots(settings, db), open_variables(settings, db)
    limits = Limits(
        context_tokens=settings.context_tokens,
        short_history=settings.short_history_limit,
        summary_threshold=settings.summary_threshold,
        summary_new_messages=settings.summary_new_messages_limit,
        passages=settings.rag_top_k if settings.rag_enabled else 0,
    )
    indexes = vector_indexes(settings, db, variables)
    indexing = Indexing(db, indexes, remembers=settings.rag_enabled)
    memory = Memory(db, llm, Retrieval(db, indexes), indexing, limits)
    agents, skills = Agents(db, jobs, memory.promise), open_skills(settings, db, memory)
    limits_of_turns = TurnLimits(settings.turn_wait_seconds, settings.max_concurrent_turns)
    mode, router_chain = Mode(settings.gateway_router), bool(settings.router_llm_chain)
    gateway = Gateway(db, llm, mode, run_limits(settings), router_chain=router_chain)
    chat = Chat(db, gateway, memory, jobs, limits_of_turns)
    documents, attachments = Documents(db, jobs), Attachments(db, llm)
    return Backend(
        settings, db, variables, bots, llm, memory, indexes, indexing, documents, attachments, jobs, agents, skills,
        gateway, chat,
    )  # fmt: skip


def open_skills(settings: Settings, db: Database, memory: Memory) -> Skills:
    means = Means(settings, db, memory)
    return Skills(shipped(means), sources(means))


def run_limits(settings: Settings) -> RunLimits:
    spending = {
        "max_model_calls": settings.max_model_calls,
        "max_tool_calls": settings.max_tool_calls,
        "max_tokens": settings.max_tokens,
        "max_minutes": settings.max_minutes,
    }
    return RunLimits(settings.max_runs_per_user, spending)


def open_bots(settings: Settings, db: Database) -> Bots:
    rules = Rules(settings.allowed_people, settings.messages_per_minute, settings.bot_messages_per_minute)
    return Bots(db, Seal(settings.secret_keys), rules, telegram=settings.telegram_api_url)


def open_variables(settings: Settings, db: Database) -> Variables:
    return Variables(db, Seal(settings.secret_keys), environment())


async def read_variables(settings: Settings) -> Variables:
    """As they are now, for who has no database open."""
    async with Database(settings.database_url.get_secret_value()) as db:
        variables = open_variables(settings, db)
        await variables.refresh()
        return variables


def vector_indexes(settings: Settings, db: Database, variables: Mapping[str, str]) -> VectorIndexes:
    """Every store that is set up, and any embedder: what the index in use was made with, the settings need not name."""
    stores: list[VectorStore] = [PgVector(db)]
    if settings.qdrant_url:
        stores.append(Qdrant(settings.qdrant_url, settings.qdrant_api_key.get_secret_value()))
    chosen = Chosen(stores[-1].name, settings.embeddings)
    return VectorIndexes(db, stores, lambda spec: read_embedder(spec, variables), chosen)


def chain_of(settings: Settings, variables: Mapping[str, str]) -> str:
    return settings.llm_chain or variables.get("LLM_CHAIN", "")


def read_chains(settings: Settings, environment: Mapping[str, str]) -> dict[Purpose, Sequence[Provider]]:
    """Who is asked for what. Raises `ChainInvalid`."""
    chat = read_chain(chain_of(settings, environment), environment)
    return {
        Purpose.CHAT: chat,
        Purpose.SUMMARY: read_chain(settings.summary_llm_chain, environment) if settings.summary_llm_chain else chat,
        Purpose.ROUTER: read_chain(settings.router_llm_chain, environment) if settings.router_llm_chain else chat,
        Purpose.VISION: read_chain(settings.vision_llm_chain, environment) if settings.vision_llm_chain else (),
        Purpose.TRANSCRIPTION: read_transcribers(settings.transcription, environment),
        Purpose.AGENT: chat,
        Purpose.PLANNER: chat,
        Purpose.JUDGE: chat,
    }
