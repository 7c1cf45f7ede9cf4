"""Searches the web with the service that the operator has chosen: that one learns what is asked, and nobody else."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from pydantic import BaseModel, Field

from backend.agents.skills.skill import Context, Failed, Result, Skill
from backend.agents.skills.web.addresses import LONGEST_ADDRESS
from backend.agents.skills.web.fetching import CHUNK_BYTES, whole
from backend.agents.skills.web.links import plain
from backend.settings import Settings

BRAVE_URL = "https://api.search.brave.com"
SECONDS = 15.0
LONGEST_TITLE, LONGEST_SNIPPET = 200, 400


@dataclass(frozen=True, slots=True)
class Engine:
    """A service that searches: where it is, and where its results stand in its answer."""

    name: str
    url: str
    asked: Mapping[str, str]
    headers: Mapping[str, str]
    results: tuple[str, ...]
    snippet: str


def engine_of(settings: Settings, brave_url: str = BRAVE_URL) -> Engine | None:
    """SearXNG's JSON API, else Brave's; None without either."""
    if settings.searxng_url:
        url = settings.searxng_url.rstrip("/") + "/search"
        return Engine("SearXNG", url, {"format": "json"}, {}, ("results",), "content")
    if key := settings.brave_api_key.get_secret_value():
        headers = {"X-Subscription-Token": key, "Accept": "application/json"}
        return Engine("Brave", f"{brave_url}/res/v1/web/search", {}, headers, ("web", "results"), "description")
    return None


class Question(BaseModel):
    """What a model gives."""

    query: str = Field(min_length=1, max_length=400)
    count: int = Field(default=8, ge=1, le=20, description="How many results are wanted")


class WebSearch(Skill[Question]):
    name = "web_search"
    family = "web"
    description = "Searches the web; returns titles, addresses and snippets. Read a page with web_fetch."
    parameters = Question
    seconds = SECONDS + 5

    def __init__(self, engine: Engine | None) -> None:
        self._engine = engine

    def unavailable(self) -> str:
        return "" if self._engine else "SEARXNG_URL or BRAVE_API_KEY is not set"

    async def run(self, params: Question, context: Context) -> Result:
        assert self._engine, "it is not offered without"
        found = await search(self._engine, params.query)
        lines = [
            line for number, row in enumerate(found[: params.count], 1) if (line := _line(number, row, self._engine))
        ]
        return Result(
            "\n\n".join(lines) or "Nothing was found.", origin=f"a search of the web with {self._engine.name}"
        )


async def search(engine: Engine, query: str) -> list[Any]:
    """The results as the service gives them, the best first. Raises `Failed`."""
    try:
        async with asyncio.timeout(SECONDS), aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            asked = {"q": query, **engine.asked}
            async with http.get(engine.url, params=asked, headers=engine.headers, allow_redirects=False) as response:
                if response.status != 200:
                    raise Failed(f"{engine.name} answered {response.status}")
                content = await whole(response.content.iter_chunked(CHUNK_BYTES))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Failed(f"{engine.name} did not answer: {type(error).__name__}") from error
    return _results(engine, content)


def _results(engine: Engine, content: bytes) -> list[Any]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Failed(f"{engine.name} answered something else than JSON") from error
    for name in engine.results:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []


def _line(number: int, row: Any, engine: Engine) -> str:
    """One result as it is shown; nothing if it is none."""
    url = row.get("url") if isinstance(row, dict) else None
    if not isinstance(url, str) or len(url) > LONGEST_ADDRESS:
        return ""
    title, snippet = (plain(str(row.get(field) or "")) for field in ("title", engine.snippet))
    return f"{number}. {title[:LONGEST_TITLE]}\n{url}\n{snippet[:LONGEST_SNIPPET]}".strip()
