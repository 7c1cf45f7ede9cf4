"""What the relay makes of its environment."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from telegram_bot.settings import Settings

NAMES = ("BOT_TOKEN", "ALLOWED_USER_IDS", "BACKEND_URL", "API_KEYS", "TELEGRAM_API_URL", "LOG_LEVEL")


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_nothing_needs_to_be_set() -> None:
    settings = Settings()
    assert settings.backend_url == "http://127.0.0.1:8080"
    assert settings.telegram_api_url == "https://api.telegram.org"
    assert settings.api_key == ""
    assert not settings.allowed_user_ids


def test_the_environment_stands_before_the_env_file(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("BOT_TOKEN=1:file\nLOG_LEVEL=debug\nDATABASE_URL=postgresql://x/y\n")
    environment.setenv("BOT_TOKEN", "2:environment")
    environment.setenv("API_KEYS", "one, two")
    environment.setenv("ALLOWED_USER_IDS", "42, -7,")
    environment.setenv("BACKEND_URL", "http://backend:8080/")
    settings = Settings()
    assert settings.bot_token.get_secret_value() == "2:environment"
    assert settings.secrets == ["2:environment", "one", "two"]
    assert settings.api_key == "one"
    assert settings.allowed_user_ids == {42, -7}
    assert settings.backend_url == "http://backend:8080"
    assert settings.log_level == "DEBUG"


@pytest.mark.parametrize("name", ["ALLOWED_USER_IDS", "BACKEND_URL", "TELEGRAM_API_URL", "LOG_LEVEL"])
def test_what_cannot_be_used_is_refused(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "nonsense")
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_secrets_are_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("BOT_TOKEN", "2:environment")
    environment.setenv("API_KEYS", "one-key")
    assert "environment" not in repr(Settings())
    assert "one-key" not in repr(Settings())
