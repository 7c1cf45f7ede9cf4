"""What the relay makes of its environment."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from telegram_bot.settings import Settings

NAMES = ("SECRET_KEY", "BACKEND_URL", "API_KEYS", "TELEGRAM_API_URL", "TELEGRAM_WEBHOOK_URL", "LOG_LEVEL")


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
    assert settings.telegram_webhook_url is None


def test_the_environment_stands_before_the_env_file(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("SECRET_KEY=from-the-file\nLOG_LEVEL=debug\nDATABASE_URL=postgresql://x/y\n")
    environment.setenv("SECRET_KEY", "new-key, old-key")
    environment.setenv("API_KEYS", "one, two")
    environment.setenv("BACKEND_URL", "http://backend:8080/")
    settings = Settings()
    assert settings.secret_keys == ["new-key", "old-key"]
    assert settings.secrets == ["new-key", "old-key", "one", "two"]
    assert settings.api_key == "one"
    assert settings.backend_url == "http://backend:8080"
    assert settings.log_level == "DEBUG"


@pytest.mark.parametrize("name", ["BACKEND_URL", "TELEGRAM_API_URL", "TELEGRAM_WEBHOOK_URL", "LOG_LEVEL"])
def test_what_cannot_be_used_is_refused(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "nonsense")
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_secrets_are_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SECRET_KEY", "of-the-environment")
    environment.setenv("API_KEYS", "one-key")
    assert "of-the-environment" not in repr(Settings())
    assert "one-key" not in repr(Settings())
