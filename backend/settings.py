"""Every environment variable of the backend, typed, with its default."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_FILE = Path(".env")


class Settings(BaseSettings):
    """Read once per process: the environment first, then `.env`; empty values count as unset."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True)

    database_url: SecretStr = SecretStr("postgresql://llmbot@127.0.0.1:5432/llmbot")
    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    qdrant_url: str = ""
    qdrant_api_key: SecretStr = SecretStr("")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    api_keys: SecretStr = SecretStr("")

    llm_chain: str = ""
    summary_llm_chain: str = ""
    llm_timeout_seconds: float = Field(default=60, gt=0, le=600)
    llm_prices: str = ""

    rag_enabled: bool = True
    rag_top_k: int = Field(default=5, ge=1, le=50)
    embeddings: str = ""

    context_tokens: int = Field(default=16_000, ge=500)
    short_history_limit: int = Field(default=8, ge=0, le=1_000)
    summary_threshold: int = Field(default=24, ge=2)
    summary_new_messages_limit: int = Field(default=200, ge=2, le=1_000)

    turn_wait_seconds: float = Field(default=60, ge=0, le=600)
    max_document_bytes: int = Field(default=10 << 20, ge=1, le=100 << 20)
    max_text_length: int = Field(default=32_000, ge=1, le=250_000)

    log_level: str = "INFO"
    log_format: str = Field(default="console", pattern="^(console|json)$")

    @field_validator("database_url", mode="before")
    @classmethod
    def _plain_scheme(cls, url: object) -> object:
        """People paste SQLAlchemy's `postgresql+asyncpg://`; asyncpg wants the plain scheme."""
        return url.replace("postgresql+asyncpg://", "postgresql://", 1) if isinstance(url, str) else url

    @property
    def keys(self) -> tuple[str, ...]:
        """The accepted API keys; none means that only loopback callers are served."""
        return tuple(key for key in map(str.strip, self.api_keys.get_secret_value().split(",")) if key)


def environment() -> Mapping[str, str]:
    """The variables as the settings see them: for names that are known only at run time, as NAME_API_KEY."""
    written = {name: value for name, value in dotenv_values(ENV_FILE).items() if value}
    return written | {name: value for name, value in os.environ.items() if value}
