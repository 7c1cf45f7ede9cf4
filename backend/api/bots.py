"""Bots: who they are, and where they stand in Telegram."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.lists import CursorInvalid, ListOut, PartWanted, as_list, by_time_and_id, read_cursor, time_and_id
from backend.api.problems import InvalidRequest, told
from backend.api.texts import LONGEST, NO_NUL, Body, Id, OptionalId, Said, Word, storable, without_defaults
from backend.bots import SLUG, BotExists, BotHasSessions, BotNotFound, SecretKeyMissing, TokenInUse, TokenInvalid
from backend.database import StorageUnavailable
from backend.errors import Invalid
from backend.llm.catalog import ChainInvalid, read_chain
from backend.llm.examining import examine_chain

router = APIRouter(prefix="/bots", tags=["bots"])

MOST_NAMED = 1_000
LONGEST_PERSONA, LONGEST_CHAIN = 32_000, 1_000
MOST_PER_MINUTE = 100_000

Trigger = Literal["mention", "reply", "name", "keyword", "command", "all"]
Access = Literal["everyone", "list", "pairing"]
Ids = Annotated[list[Id], Field(max_length=MOST_NAMED)]
Words = Annotated[list[Word], Field(max_length=MOST_NAMED)]
Persona = Annotated[
    str, Field(max_length=LONGEST_PERSONA, json_schema_extra={"pattern": NO_NUL}), AfterValidator(storable)
]
Chain = Annotated[str, Field(max_length=LONGEST_CHAIN, json_schema_extra={"pattern": NO_NUL}), AfterValidator(storable)]
Token = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST)]
Slug = Annotated[Id, Path(description="The bot's name in addresses and commands.")]


class LlmChainInvalid(Invalid):
    """The chain of models cannot be read."""


class BotSettings(Body):
    """What a bot is."""

    name: Said = Field(default="", max_length=64, examples=["Support"])
    """What it calls itself; at first its slug."""
    persona: Persona = Field(default="", examples=["You help the customers of a bicycle shop. You are brief."])
    """Who it is: what a model is told before anything else."""
    language: Word = Field(default="", examples=["ru"])
    """Of its own words, where it is not known what language a person speaks."""
    llm_chain: Chain = Field(default="", examples=["openrouter:google/gemini-2.5-flash"])
    """Which models answer; empty: those of `LLM_CHAIN`."""
    token: Token | None = None
    """From @BotFather. It is kept sealed, and no answer shows it; null takes it away."""
    triggers: list[Trigger] = Field(default=["mention", "reply", "command"], max_length=20)
    """What is meant for it in a group."""
    called: Words = Field(default=[], examples=[["Robert", "Bob"]])
    """What it is called, for the trigger `name`."""
    keywords: Words = Field(default=[], examples=[["bicycle"]])
    """What it listens for, for the trigger `keyword`."""
    access: Access = "everyone"
    """Who may talk to it: everyone (if there are `ALLOWED_USER_IDS`, these), those on its lists, or, with `pairing`,
    also those whom its owner lets in."""
    owner_id: OptionalId = Field(default="", examples=["42"])
    """Who decides about strangers, asked in a private chat with it; may always talk to it."""
    allowed_user_ids: Ids = Field(default=[], examples=[["42"]])
    """Who may always talk to it."""
    allowed_chat_ids: Ids = Field(default=[], examples=[["-1001"]])
    """Groups where everybody may."""
    messages_per_minute: int | None = Field(default=None, ge=0, le=MOST_PER_MINUTE)
    """Of a person; 0: no limit; null: as `MESSAGES_PER_MINUTE`."""
    max_concurrent_turns: int | None = Field(default=None, ge=1, le=10_000)
    """So many answers are written at once; null: as `MAX_CONCURRENT_TURNS`."""
    max_answer_length: int | None = Field(default=None, ge=1, le=1_000_000)
    """In characters; null: no limit."""
    enabled: bool = True
    """Whether it answers, and receives from Telegram."""

    async def given(self, variables: Mapping[str, str]) -> dict[str, Any]:
        """The settings that the request names. Raises `LlmChainInvalid`."""
        given = self.model_dump(exclude_unset=True, exclude={"slug"})
        if self.llm_chain:
            await prove(self.llm_chain, variables)
        if token := given.get("token"):
            given["token"] = token.get_secret_value()
        return given


class BotIn(BotSettings):
    """A new bot."""

    slug: str = Field(pattern=SLUG, examples=["support"])
    """Its name in addresses and commands, for good."""


async def prove(chain: str, variables: Mapping[str, str]) -> None:
    """Raises `LlmChainInvalid`. That a provider of it is not set up on this machine is no mistake."""
    try:
        providers = read_chain(chain, variables)
    except ChainInvalid as error:
        raise LlmChainInvalid(str(error)) from None
    for provider in providers:
        await provider.close()


class BotChanges(BotSettings):
    """What is given is changed, the rest stays."""

    model_config = ConfigDict(json_schema_extra=without_defaults)


class BotOut(BaseModel):
    """A bot, and how it fares."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    slug: str = Field(examples=["support"])
    name: str
    persona: str
    language: str
    llm_chain: str
    telegram_id: str | None = Field(examples=["123456789"])
    """Null while it has no token."""
    username: str = Field(examples=["support_bot"])
    """In Telegram, once it has run there."""
    triggers: list[str]
    called: list[str]
    keywords: list[str]
    access: Access
    owner_id: str
    allowed_user_ids: list[str]
    allowed_chat_ids: list[str]
    messages_per_minute: int | None
    max_concurrent_turns: int | None
    max_answer_length: int | None
    enabled: bool
    created_at: datetime
    state: Literal["pending", "running", "failed", "stopped"]
    """In Telegram. It is pending while nobody has begun to run it, and stopped if it is not to run."""
    state_since: datetime | None
    heartbeat_at: datetime | None
    """When the process that runs it, or last did, was heard of."""
    last_error: str
    last_error_at: datetime | None
    messages: int
    """So many were dealt with in the last 24 hours."""
    error_rate: float | None = Field(examples=[0.01])
    """The part of them that got no answer, because something failed."""
    mean_seconds: float | None = Field(examples=[2.4])
    """So long people waited for the whole of an answer."""


class FindingOut(BaseModel):
    """What was looked at."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)

    part: str = Field(examples=["bot support"])
    ok: bool
    detail: str = Field(examples=["is @support_bot in Telegram"])
    advice: str
    """What to do if it is not well."""


class CheckOut(BaseModel):
    """Whether all is well."""

    ok: bool
    findings: list[FindingOut]


SHOWN = told(BotNotFound, InvalidRequest, StorageUnavailable)
WRITTEN = BodyTooLarge, InvalidRequest, LlmChainInvalid, TokenInvalid, TokenInUse, SecretKeyMissing, StorageUnavailable


@router.get("", responses=told(InvalidRequest, CursorInvalid, StorageUnavailable))
async def list_bots(wanted: Annotated[PartWanted, Query()], backend: BackendDep) -> ListOut[BotOut]:
    """All bots, with and without Telegram."""
    after = read_cursor(wanted.cursor, time_and_id)
    page = await backend.bots.list(after=after, limit=wanted.limit)
    return as_list(page, BotOut, by_time_and_id)


@router.post("", status_code=201, responses=told(BotExists, *WRITTEN))
async def add_bot(bot: BotIn, backend: BackendDep) -> BotOut:
    """Add a bot. With a token it starts in Telegram within seconds."""
    return BotOut(**await backend.bots.add(bot.slug, await bot.given(backend.variables)))


@router.get("/{slug}", responses=SHOWN)
async def get_bot(slug: Slug, backend: BackendDep) -> BotOut:
    """One bot."""
    return BotOut(**await backend.bots.get(slug))


@router.patch("/{slug}", responses=told(BotNotFound, *WRITTEN))
async def change_bot(slug: Slug, changes: BotChanges, backend: BackendDep) -> BotOut:
    """Change a bot; what runs in Telegram follows within seconds."""
    return BotOut(**await backend.bots.change(slug, await changes.given(backend.variables)))


@router.delete(
    "/{slug}",
    status_code=204,
    response_class=Response,
    responses=told(BotNotFound, BotHasSessions, InvalidRequest, StorageUnavailable),
)
async def delete_bot(slug: Slug, backend: BackendDep) -> None:
    """Delete a bot that nobody has talked to yet; any other is stopped, by `enabled`."""
    await backend.bots.delete(slug)


@router.post("/{slug}/check", responses=SHOWN)
async def check_bot(slug: Slug, backend: BackendDep) -> CheckOut:
    """Ask Telegram about the bot's token, and every provider of its models about its key, now."""
    bot = await backend.bots.get(slug)
    models = await examine_chain(bot["llm_chain"] or backend.chain, backend.variables)
    findings = [FindingOut.model_validate(one) for one in (await backend.bots.check(slug), *models)]
    return CheckOut(ok=all(finding.ok for finding in findings), findings=findings)
