"""What the person at the terminal reads once everything runs."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.local.address import Address
from backend.local.data_dir import DataDir
from backend.signing import LINK, LINK_SECONDS, console_signer

MODEL_HINT = """
            Add one in the console; or set OPENAI_API_KEY, OPENROUTER_API_KEY or OLLAMA_BASE_URL
            in .env, and start again."""
NO_BOT = """no bot yet: get a token from @BotFather, and type in another terminal
            {llmbot} bots add NAME"""


def banner(address: Address, data: DataDir, environment: Mapping[str, str]) -> str:
    authorization = " -H 'Authorization: Bearer YOUR_API_KEY'" if environment.get("API_KEYS") else ""
    return f"""
LLM Bot Core runs at {address.url} (its API: {address.url}/docs)

  Console   {_link(address, environment)}
            (opens once, within an hour; after that with {_password(data, environment)})
  Model     {_model(address, environment)}
  Telegram  {_bots(address, environment)}
  Data      {data.path}
  Logs      {data.logs}

Say hello:
  curl {address.url}/v1/chat/handle{authorization} -H 'Content-Type: application/json' \\
    -d '{{"user_id": "me", "chat_id": "home", "text": "Hello!"}}'

Ctrl-C stops everything; the data stays.
"""


def _link(address: Address, environment: Mapping[str, str]) -> str:
    signer = console_signer(environment["SECRET_KEY"].split(","), environment["CONSOLE_PASSWORD"])
    return f"{address.url}/console/enter?link={signer.issue(LINK, LINK_SECONDS)}"


def _password(data: DataDir, environment: Mapping[str, str]) -> str:
    kept = environment["CONSOLE_PASSWORD"] == data.console_password
    return f"the password in {data.path / 'console-password'}" if kept else "CONSOLE_PASSWORD"


def _model(address: Address, environment: Mapping[str, str]) -> str:
    """In the backend's own words; and how to get a model when there is none."""
    match address.get("/health/ready", key=_key(environment)):
        case {"parts": {"models": {"detail": str(detail)}}}:
            return detail + MODEL_HINT if "offline" in detail else detail
    return f"unknown: see {address.url}/health/ready"


def _bots(address: Address, environment: Mapping[str, str]) -> str:
    """Those with a token; and how to get one when there is none."""
    match address.get("/v1/bots?limit=200", key=_key(environment)):
        case {"items": [*bots]}:
            named = [_named(bot) for bot in bots if bot["telegram_id"]]
            return ", ".join(named) or NO_BOT.format(llmbot=_llmbot())
    return f"unknown: see {address.url}/v1/bots"


def _llmbot() -> Path:
    """As it is typed here."""
    command = Path(sys.executable).with_name("llmbot")
    return command.relative_to(Path.cwd()) if command.is_relative_to(Path.cwd()) else command


def _named(bot: Mapping[str, Any]) -> str:
    known = f"{bot['slug']} (@{bot['username']})" if bot["username"] else str(bot["slug"])
    return known if bot["enabled"] else f"{known}, which is stopped"


def _key(environment: Mapping[str, str]) -> str:
    return environment.get("API_KEYS", "").split(",")[0].strip()
