"""The web: pages at an address, and the search for them."""

from typing import Any

from backend.agents.skills.skill import Failed, Skill
from backend.agents.skills.web.addresses import Addresses
from backend.agents.skills.web.fetch import WebFetch
from backend.agents.skills.web.search import WebSearch, engine_of, search
from backend.findings import Finding
from backend.settings import Settings


def web_skills(settings: Settings) -> list[Skill[Any]]:
    return [WebFetch(Addresses(settings.web_private_hosts)), WebSearch(engine_of(settings))]


async def examine(settings: Settings) -> list[Finding]:
    """Whether the web can be searched."""
    engine = engine_of(settings)
    if not engine:
        return [Finding("web search", True, "none: SEARXNG_URL or BRAVE_API_KEY sets one up")]
    try:
        found = await search(engine, "llm")
    except Failed as error:
        advice = "check SEARXNG_URL; its settings.yml must list json under search.formats"
        return [Finding("web search", False, str(error), advice if engine.name == "SearXNG" else "check BRAVE_API_KEY")]
    return [Finding("web search", True, f"{engine.name} answers with {len(found)} results")]
