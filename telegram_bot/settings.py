"""Every environment variable the relay reads."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _comma_list(value: object) -> object:
    return [item for item in value.replace(" ", "").split(",") if item] if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _without_slash(url: str) -> str:
    HttpUrl(url)
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_without_slash)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_comma_list)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True)

    secret_key: Secrets = ()
    backend_url: Url = "http://127.0.0.1:8080"
    api_keys: Secrets = ()
    telegram_api_url: Url = "https://api.telegram.org"
    telegram_webhook_url: Url | None = None
    telegram_webhook_host: str = "127.0.0.1"
    telegram_webhook_port: Annotated[int, Field(ge=0, le=65_535)] = 8081
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = "INFO"

    @property
    def api_key(self) -> str:
        """The key to show the backend; empty when the backend serves its own machine only."""
        return self.api_keys[0].get_secret_value() if self.api_keys else ""

    @property
    def secret_keys(self) -> list[str]:
        """What opens the bots' tokens."""
        return [key.get_secret_value() for key in self.secret_key]

    @property
    def secrets(self) -> list[str]:
        return [secret.get_secret_value() for secret in (*self.secret_key, *self.api_keys)]
