"""Every environment variable the relay reads."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _comma_list(value: object) -> object:
    return [item for item in value.replace(" ", "").split(",") if item] if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _without_slash(url: str) -> str:
    HttpUrl(url)
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_without_slash)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True)

    bot_token: SecretStr = SecretStr("")
    allowed_user_ids: Annotated[frozenset[int], NoDecode, BeforeValidator(_comma_list)] = frozenset()
    backend_url: Url = "http://127.0.0.1:8080"
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_comma_list)] = ()
    telegram_api_url: Url = "https://api.telegram.org"
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = "INFO"

    @property
    def api_key(self) -> str:
        """The key to show the backend; empty when the backend serves its own machine only."""
        return self.api_keys[0].get_secret_value() if self.api_keys else ""

    @property
    def secrets(self) -> list[str]:
        return [secret.get_secret_value() for secret in (self.bot_token, *self.api_keys)]
