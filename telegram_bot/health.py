"""How a bot fares, as its operator is told."""

from dataclasses import dataclass
from typing import Literal

from telegram_bot.backend_client import BotReport


@dataclass(slots=True)
class Health:
    slug: str
    state: Literal["pending", "running", "failed", "stopped"] = "pending"
    error: str = ""
    username: str = ""

    def well(self) -> None:
        self.state, self.error = "running", ""

    def ill(self, error: str) -> None:
        self.state, self.error = "failed", error

    def report(self) -> BotReport:
        return BotReport(self.slug, self.state, self.error, self.username)
