"""A bot with macros and agents, and what was decided for those who talk to it."""

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
RESEARCHER: dict[str, Any] = {
    "slug": "researcher",
    "name": "Researcher",
    "description": "Finds things out on the web.",
    "instructions": "Find out what is asked for, and name your sources.",
    "skills": ["web"],
}
NEWS: dict[str, Any] = {
    "bot": "default",
    "slug": "news",
    "name": "The news",
    "description": "Sums up the news.",
    "plan": [
        {"agent": "researcher", "action": "Find {{number}} pieces of news about {{topic}}."},
        {"agent": "writer", "action": "Sum them up.", "depends_on": [1]},
    ],
    "parameters": {"topic": {"type": "string"}, "number": {"type": "integer", "default": 3}},
}
LOOK_UP = {"task": "Find out when the museum opens.", "why": "asks to look it up"}
GERMAN = {"language": "German", "why": "asks for German"}


async def give_macro(backend: Backend, **changed: Any) -> Record:
    return await backend.gateway.macros.add(TRANSLATE | changed)


async def give_agent(backend: Backend, **changed: Any) -> Record:
    return await backend.gateway.agents.add(RESEARCHER | changed)


async def runs(backend: Backend) -> list[Record]:
    return await backend.db.run("select * from agent_runs order by created_at")


async def steps(backend: Backend) -> list[Record]:
    return await backend.db.run("select * from run_steps order by run_id, position")


async def routes(backend: Backend) -> list[Record]:
    return await backend.db.run(ROUTES)


async def route(backend: Backend) -> Record:
    """The only decision there is."""
    [found] = await routes(backend)
    return found


def shown(prompt: list[dict[str, str]], role: str) -> str:
    """All that a model was shown in a role."""
    return "\n".join(message["content"] for message in prompt if message["role"] == role)
