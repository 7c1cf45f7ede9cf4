"""The relay's only window on the world: the backend's API."""

from telegram_bot.backend_client.client import BackendClient, open_backend
from telegram_bot.backend_client.problems import NO_ANSWER_IN_TIME, UNREACHABLE, BackendProblem
from telegram_bot.backend_client.turns import Delta, Merged, Restart, TurnStream
from telegram_bot.backend_client.wire import (
    Attachment,
    Beat,
    BotConfig,
    BotReport,
    Button,
    Conversation,
    Delivery,
    DocumentState,
    Notice,
    Progress,
    Question,
    Quote,
    Reset,
    SentDocument,
    Stats,
    Upload,
    Window,
)

__all__ = [
    "NO_ANSWER_IN_TIME",
    "UNREACHABLE",
    "Attachment",
    "BackendClient",
    "BackendProblem",
    "Beat",
    "BotConfig",
    "BotReport",
    "Button",
    "Conversation",
    "Delivery",
    "Delta",
    "DocumentState",
    "Merged",
    "Notice",
    "Progress",
    "Question",
    "Quote",
    "Reset",
    "Restart",
    "SentDocument",
    "Stats",
    "TurnStream",
    "Upload",
    "Window",
    "open_backend",
]
