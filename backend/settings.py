"""Every environment variable of the backend, typed, with its default."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_FILE = Path(".env")
SHORTEST_SECRET_KEY = 32


class Settings(BaseSettings):
    """Read once per process: the environment first, then `.env`; empty values count as unset."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    database_url: SecretStr = SecretStr("postgresql://llmbot@127.0.0.1:5432/llmbot")
    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    qdrant_url: str = ""
    qdrant_api_key: SecretStr = SecretStr("")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    api_keys: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    console_password: SecretStr = SecretStr("")

    bot_token: SecretStr = SecretStr("")
    telegram_api_url: str = "https://api.telegram.org"
    allowed_user_ids: str = ""
    messages_per_minute: int = Field(default=20, ge=0, le=100_000)
    bot_messages_per_minute: int = Field(default=0, ge=0, le=100_000)

    llm_chain: str = ""
    summary_llm_chain: str = ""
    router_llm_chain: str = ""
    vision_llm_chain: str = ""
    transcription: str = ""
    llm_timeout_seconds: float = Field(default=60, gt=0, le=600)
    llm_prices: str = ""

    rag_enabled: bool = True
    rag_top_k: int = Field(default=5, ge=1, le=50)
    embeddings: str = ""

    gateway_router: str = Field(default="inline", pattern="^(inline|categorizer|off)$")

    autonomous_mode: bool = False
    max_iterations: int = Field(default=8, ge=1, le=50)
    quality_threshold: float = Field(default=0.7, ge=0, le=1)
    confirmation_timeout_minutes: float = Field(default=5, gt=0, le=7 * 24 * 60)
    max_runs_per_user: int = Field(default=3, ge=1, le=100)
    max_model_calls: int = Field(default=20, ge=1, le=1_000)
    max_tool_calls: int = Field(default=40, ge=0, le=1_000)
    max_tokens: int = Field(default=200_000, ge=1_000)
    max_minutes: int = Field(default=15, ge=1, le=24 * 60)

    workspaces: Path = Path(".local/workspaces")
    searxng_url: str = ""
    brave_api_key: SecretStr = SecretStr("")
    web_private_hosts: str = ""
    chromium: str = ""
    mcp_servers: SecretStr = SecretStr("")

    context_tokens: int = Field(default=16_000, ge=500)
    short_history_limit: int = Field(default=8, ge=0, le=1_000)
    summary_threshold: int = Field(default=24, ge=2)
    summary_new_messages_limit: int = Field(default=200, ge=2, le=1_000)

    turn_wait_seconds: float = Field(default=60, ge=0, le=600)
    max_concurrent_turns: int = Field(default=16, ge=1, le=1_000)
    max_document_bytes: int = Field(default=10 << 20, ge=1, le=100 << 20)
    max_attachment_bytes: int = Field(default=20 << 20, ge=1, le=100 << 20)
    max_text_length: int = Field(default=32_000, ge=1, le=250_000)

    log_level: str = "INFO"
    log_format: str = Field(default="console", pattern="^(console|json)$")

    @field_validator("database_url", mode="before")
    @classmethod
    def _plain_scheme(cls, url: object) -> object:
        """People paste SQLAlchemy's `postgresql+asyncpg://`; asyncpg wants the plain scheme."""
        return url.replace("postgresql+asyncpg://", "postgresql://", 1) if isinstance(url, str) else url

    @field_validator("secret_key")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr) -> SecretStr:
        if any(len(key) < SHORTEST_SECRET_KEY for key in _listed(value.get_secret_value())):
            advice = "each key needs at least 32 characters: `openssl rand -hex 24` makes one"
            raise PydanticCustomError("secret_key", advice)
        return value

    @property
    def keys(self) -> tuple[str, ...]:
        """The accepted API keys; none means that only loopback callers are served."""
        return _listed(self.api_keys.get_secret_value())

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """What bots' tokens are sealed with: the first seals, all of them open."""
        return _listed(self.secret_key.get_secret_value())

    @property
    def allowed_people(self) -> frozenset[str]:
        """Who may talk to every bot; none means that everyone may, where the bot has no list of its own."""
        return frozenset(_listed(self.allowed_user_ids))


def _listed(value: str) -> tuple[str, ...]:
    return tuple(item for item in map(str.strip, value.split(",")) if item)


def environment() -> Mapping[str, str]:
    """The variables as the settings see them: for names that are known only at run time, as NAME_API_KEY."""
    written = {name: value for name, value in dotenv_values(ENV_FILE).items() if value}
    return written | {name: value for name, value in os.environ.items() if value}
