"""The environment variables of the panel's setup."""

from collections.abc import Mapping
from dataclasses import dataclass

LOCAL = "http://127.0.0.1:8055"


class SettingMissing(Exception):
    """A variable is needed, and is not set."""

    def __init__(self, name: str) -> None:
        super().__init__(f'{name} is not set: run "make env" first, or add it to your .env')


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment; an empty value counts as unset."""

    environment: Mapping[str, str]

    def needed(self, name: str) -> str:
        """Raises `SettingMissing`."""
        if value := self.environment.get(name):
            return value
        raise SettingMissing(name)

    def get(self, name: str, default: str = "") -> str:
        return self.environment.get(name) or default
