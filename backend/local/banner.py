"""What the person at the terminal reads once everything runs."""

from collections.abc import Mapping

from backend.local.address import Address
from backend.local.data_dir import DataDir

MODEL_HINT = """
            Set OPENAI_API_KEY, OPENROUTER_API_KEY or OLLAMA_BASE_URL in .env, and start again."""


def banner(address: Address, data: DataDir, environment: Mapping[str, str]) -> str:
    authorization = " -H 'Authorization: Bearer YOUR_API_KEY'" if environment.get("API_KEYS") else ""
    telegram = "the bot runs" if environment.get("BOT_TOKEN") else "no bot: set BOT_TOKEN in .env"
    return f"""
LLM Bot Core runs at {address.url} (its API: {address.url}/docs)

  Model     {_model(address)}
  Telegram  {telegram}
  Data      {data.path}
  Logs      {data.logs}

Say hello:
  curl {address.url}/v1/chat/handle{authorization} -H 'Content-Type: application/json' \\
    -d '{{"user_id": "me", "chat_id": "home", "text": "Hello!"}}'

Ctrl-C stops everything; the data stays.
"""


def _model(address: Address) -> str:
    """In the backend's own words; and how to get a model when there is none."""
    match address.get("/health/ready"):
        case {"parts": {"models": {"detail": str(detail)}}}:
            return detail + MODEL_HINT if "offline" in detail else detail
    return f"unknown: see {address.url}/health/ready"
