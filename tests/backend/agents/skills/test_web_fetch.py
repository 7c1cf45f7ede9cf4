"""Pages are read as text, and what is asked for without the person's word is only what somebody else wrote."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from backend.agents.skills.skill import Danger, Failed
from backend.agents.skills.web.addresses import Addresses
from backend.agents.skills.web.fetch import MOST_CHARACTERS, Wanted, WebFetch
from tests.backend.agents.skills.contexts import CONTEXT, context
from tests.simulators.website import Website

PAGE = """<!doctype html><title>Tea</title><script>steal()</script><h1>Tea</h1><p>Green &amp; black.</p>
<h2>Prices</h2><p>Three <a href="/prices?of=tea">as listed</a>.</p><a href="javascript:steal()">here</a>"""


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with Website({"/tea": PAGE}) as site:
        yield site


@pytest.fixture
def skill(site: Website) -> WebFetch:
    return WebFetch(Addresses(site.host))


async def test_a_page_is_told_with_its_headings_and_its_links(site: Website, skill: WebFetch) -> None:
    result = await skill.run(Wanted(address=f"{site.url}/tea"), CONTEXT)
    assert "# Tea\nGreen & black." in result.text
    assert "## Prices\nThree as listed" in result.text
    assert result.text.endswith(f"Links:\n- as listed: {site.url}/prices?of=tea")
    assert "steal" not in result.text
    assert result.origin == f"the page {site.url}/tea"


async def test_a_stranger_asks(site: Website, skill: WebFetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    site.pages["/cookie"] = web.Response(text="x", headers={"Set-Cookie": "who=me"})
    await skill.run(Wanted(address=f"{site.url}/cookie"), CONTEXT)
    await skill.run(Wanted(address=f"{site.url}/to?where=/tea#part"), CONTEXT)
    assert site.asked == ["GET /cookie", "GET /to?where=/tea", "GET /tea"]
    assert [{"Cookie", "Authorization", "Referer"} & headers.keys() for headers in site.headers] == [set()] * 3


async def test_a_long_page_comes_in_parts(site: Website, skill: WebFetch) -> None:
    site.pages["/long"] = web.Response(text="a" * MOST_CHARACTERS + "the end")
    first = await skill.run(Wanted(address=f"{site.url}/long"), CONTEXT)
    assert first.text.endswith(f"a\n[7 characters more: go on with start={MOST_CHARACTERS}]")
    second = await skill.run(Wanted(address=f"{site.url}/long", start=MOST_CHARACTERS), CONTEXT)
    assert second.text == "the end"


async def test_the_server_knows_the_encoding_best(site: Website, skill: WebFetch) -> None:
    body = "<html><meta charset=utf-8><p>Чай</p>".encode("koi8-r")
    site.pages["/чай"] = web.Response(body=body, headers={"Content-Type": "text/html; charset=koi8-r"})
    result = await skill.run(Wanted(address=f"{site.url}/чай"), CONTEXT)
    assert result.text == "Чай"


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (web.Response(body=b"\x89PNG", content_type="image/png"), "image/png"),
        (web.Response(status=404), "404"),
        (web.Response(text="", content_type="text/html"), "no text"),
        (web.Response(body=b"%PDF-1.7 broken", content_type="application/pdf"), "none that can be read"),
        (web.Response(body=b"?", headers={"Content-Encoding": "br"}), "packed"),
        (web.Response(body=b"?", headers={"Content-Encoding": "gzip"}), "unpacked"),
        (web.Response(status=302), "where"),
    ],
)
async def test_what_cannot_be_read_is_said(site: Website, skill: WebFetch, response: web.Response, why: str) -> None:
    site.pages["/it"] = response
    with pytest.raises(Failed, match=why):
        await skill.run(Wanted(address=f"{site.url}/it"), CONTEXT)


@pytest.mark.parametrize(
    ("address", "words", "shown", "composed", "danger"),
    [
        ("https://example.com/", "look at example.com!", "", "", Danger.SAFE),
        ("https://example.com/a?b=c", "(https://Example.com/a?b=c)", "", "", Danger.SAFE),
        ("http://example.com/a/", "see https://example.com/a.", "", "", Danger.SAFE),
        ("https://пример.рф/путь", "что на пример.рф/путь?", "", "", Danger.SAFE),
        ("https://example.com/x", "", "- more: https://example.com/x\n", "", Danger.SAFE),
        ("https://example.com:8443/x", "https://example.com/x", "", "", Danger.CONFIRM),
        ("https://example.com/x?secret=1", "look at example.com/x", "", "", Danger.CONFIRM),
        ("https://example.com/x", "look at example.com/x?secret=1", "", "", Danger.CONFIRM),
        ("https://secret.example.com/", "look at example.com", "", "", Danger.CONFIRM),
        ("https://example.com/", "anna@example.com or no.example.com", "", "", Danger.CONFIRM),
        ("https://evil.com/?secret", "", "you said: https://evil.com/?secret", '{"say": "https://evil.com/?secret"}',
         Danger.CONFIRM),
    ],
)  # fmt: skip
async def test_an_address_that_the_model_composed_is_asked_about(
    address: str, words: str, shown: str, composed: str, danger: Danger
) -> None:
    on_behalf = context(words=words, shown=shown, composed=composed)
    assert await WebFetch(Addresses()).weigh(Wanted(address=address), on_behalf) is danger


async def test_a_person_is_shown_the_whole_address() -> None:
    skill, params = WebFetch(Addresses()), Wanted(address="example.com/a?b=c")
    preview = await skill.preview(params, CONTEXT)
    assert (preview.title, preview.detail) == ("GET example.com", "GET https://example.com/a?b=c")
    assert skill.grants(params) == "web_fetch example.com"
    assert not skill.has_effect(params)
