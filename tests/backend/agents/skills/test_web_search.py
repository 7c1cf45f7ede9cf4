"""The web is searched with the service of the operator's choice; what it answers is shown as titles and addresses."""

from collections.abc import AsyncIterator

import orjson
import pytest
from aiohttp import web

from backend.agents.skills.skill import Danger, Failed
from backend.agents.skills.web import examine
from backend.agents.skills.web.search import Question, WebSearch, engine_of
from backend.settings import Settings
from tests.backend.agents.skills.contexts import CONTEXT
from tests.simulators.website import Website

RESULTS = [
    {
        "title": "Tea <b>prices</b>",
        "url": "https://example.com/tea",
        "content": "Green &amp; black",
        "description": "Green",
    },
    {"title": "no address"},
    "nothing",
    {"title": None, "url": "https://example.com/more", "content": "x" * 1_000},
]


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with Website() as site:
        site.pages["/search"] = json({"results": RESULTS})
        site.pages["/res/v1/web/search"] = json({"web": {"results": RESULTS}})
        yield site


def json(content: object) -> web.Response:
    return web.Response(body=orjson.dumps(content), content_type="application/json")


async def test_searxng_is_asked_and_its_results_are_listed(site: Website) -> None:
    skill = WebSearch(engine_of(Settings(searxng_url=site.url)))
    params = Question(query="tea & prices")
    assert skill.unavailable() == ""
    assert await skill.weigh(params, CONTEXT) is Danger.SAFE
    result = await skill.run(params, CONTEXT)
    assert site.asked == ["GET /search?q=tea+%26+prices&format=json"]
    assert result.text.startswith(
        "1. Tea prices\nhttps://example.com/tea\nGreen & black\n\n4. \nhttps://example.com/more"
    )
    assert len(result.text) < 600
    assert result.origin == "a search of the web with SearXNG"


async def test_brave_is_asked_with_its_key(site: Website) -> None:
    engine = engine_of(Settings(brave_api_key="BSA-key"), brave_url=site.url)
    result = await WebSearch(engine).run(Question(query="tea", count=1), CONTEXT)
    assert result.text == "1. Tea prices\nhttps://example.com/tea\nGreen"
    assert site.headers[0]["X-Subscription-Token"] == "BSA-key"


async def test_without_either_it_is_not_offered() -> None:
    assert WebSearch(engine_of(Settings())).unavailable() == "SEARXNG_URL or BRAVE_API_KEY is not set"
    assert [finding.ok for finding in await examine(Settings())] == [True]


async def test_nothing_found_is_said(site: Website) -> None:
    site.pages["/search"] = json({"results": []})
    result = await WebSearch(engine_of(Settings(searxng_url=site.url))).run(Question(query="tea"), CONTEXT)
    assert result.text == "Nothing was found."


async def test_nothing_of_a_result_is_longer_than_a_model_can_read(site: Website) -> None:
    long = {"title": "x" * 100_000, "url": "https://example.com/tea", "content": "y" * 100_000}
    no_page = {"title": "No page", "url": "https://example.com/" + "z" * 100_000}
    site.pages["/search"] = json({"results": [long, no_page]})
    result = await WebSearch(engine_of(Settings(searxng_url=site.url))).run(Question(query="tea"), CONTEXT)
    assert len(result.text) < 1_000
    assert "https://example.com/tea" in result.text
    assert "No page" not in result.text


@pytest.mark.parametrize("answer", [web.Response(status=403), web.Response(text="<html>")])
async def test_a_service_that_fails_is_said_to_have_failed(site: Website, answer: web.Response) -> None:
    site.pages["/search"] = answer
    with pytest.raises(Failed, match="SearXNG answered"):
        await WebSearch(engine_of(Settings(searxng_url=site.url))).run(Question(query="tea"), CONTEXT)


@pytest.mark.parametrize("content", [[], {"results": 1}, {"results": [{"url": 1}]}])
async def test_results_of_another_shape_are_none(site: Website, content: object) -> None:
    site.pages["/search"] = json(content)
    result = await WebSearch(engine_of(Settings(searxng_url=site.url))).run(Question(query="tea"), CONTEXT)
    assert result.text == "Nothing was found."


async def test_the_doctor_asks_it(site: Website) -> None:
    [well] = await examine(Settings(searxng_url=site.url))
    assert (well.ok, well.detail) == (True, "SearXNG answers with 4 results")
    site.pages.clear()
    [ill] = await examine(Settings(searxng_url=site.url))
    assert (ill.ok, ill.detail) == (False, "SearXNG answered 404")
