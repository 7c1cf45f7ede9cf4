"""A bot with a macro, and what was decided for those who talk to it."""

from typing import Any

from backend.bootstrap import Backend
from backend.database import Record

ROUTES = "select * from routes order by id"

TRANSLATE: dict[str, Any] = {
    "bot": "default",
    "slug": "translate",
    "name": "Translate",
    "description": "Translates a text.",
    "template": "Translate {{text}} into {{language}}, {{tone}}, in at most {{lines}} lines.",
    "parameters": {
        "language": {"type": "string", "required": True},
        "tone": {"type": "choice", "choices": ["formal", "plain"], "default": "plain"},
        "lines": {"type": "integer"},
        "text": {"type": "string"},
    },
}
GERMAN = {"language": "German", "why": "asks for German"}


async def give_macro(backend: Backend, **changed: Any) -> Record:
    return await backend.gateway.macros.add(TRANSLATE | changed)


async def routes(backend: Backend) -> list[Record]:
    return await backend.db.run(ROUTES)


async def route(backend: Backend) -> Record:
    """The only decision there is."""
    [found] = await routes(backend)
    return found


def shown(prompt: list[dict[str, str]], role: str) -> str:
    """All that a model was shown in a role."""
    return "\n".join(message["content"] for message in prompt if message["role"] == role)
