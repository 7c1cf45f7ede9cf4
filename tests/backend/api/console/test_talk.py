"""A chat with a bot, and what its answers were made from."""

import html
import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from backend.bootstrap import Backend
from backend.database import Database
from backend.settings import Settings
from tests.backend.api.console.visiting import code_of, fill_in
from tests.backend.api.running import client_of, serving
from tests.simulators.provider import Answer, Fails, Provider, Usage
from tests.simulators.provider_tools import CallsTool


@pytest.fixture
async def at_home(asking_the_provider: Settings, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(asking_the_provider) as app, client_of(app) as client:
        yield client


async def say(client: httpx2.AsyncClient, text: str) -> str:
    """The page's parts that come back, one after the other."""
    code = await code_of(client, "/console/talk")
    response = await fill_in(client, "/console/talk", {"code": code, "text": text})
    assert (response.status_code, response.headers["content-type"].split(";")[0]) == (200, "text/event-stream")
    return "\n".join(line.removeprefix("data: ") for line in response.text.splitlines())


async def origin(client: httpx2.AsyncClient, said: str) -> str:
    """The words of what the answer was made from."""
    found = re.search('hx-get="(/console/turns/[0-9a-f-]+)"', said)
    assert found, said
    page = (await client.get(found[1])).text
    return html.unescape(re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page)))


async def test_an_answer_comes_piece_by_piece_and_then_as_a_whole(
    at_home: httpx2.AsyncClient, provider: Provider
) -> None:
    provider.will(Answer("It is **Luna**.\n\nA cat."))
    said = await say(at_home, "What is my\ncat called?")
    assert said.count("<hx-partial") > 3
    assert '<div class="text plain">What is my\ncat called?</div>' in said
    assert "<p>It is <strong>Luna</strong>.</p>\n<p>A cat.</p>" in said
    page = (await at_home.get("/console/talk")).text
    assert "<strong>Luna</strong>" in page


async def test_what_a_model_writes_can_do_nothing(at_home: httpx2.AsyncClient, provider: Provider) -> None:
    provider.will(
        Answer("<img src=x onerror=alert(1)> ![](http://evil.example/x.png) [a](javascript:alert(1)) <hx-partial>")
    )
    said = await say(at_home, "<b>Hi</b>")
    assert "&lt;b&gt;Hi" in said
    assert "<img" not in said
    assert 'href="javascript' not in said
    assert "<hx-partial>" not in said
    assert "onerror=alert(1)>" not in said


async def test_a_table_has_no_styles_of_its_own(at_home: httpx2.AsyncClient, provider: Provider) -> None:
    provider.will(Answer("|a|b|\n|:-|-:|\n|1|2|"))
    said = await say(at_home, "A table")
    assert '<td class="to-right">2</td>' in said
    assert "style=" not in said


async def test_an_answer_can_be_opened(at_home: httpx2.AsyncClient, provider: Provider) -> None:
    provider.will(Answer("Hello", usage=Usage(1234, 56, cached=1000, cost=0.0042)))
    told = await origin(at_home, await say(at_home, "Hi"))
    for fact in ("chat", "stub:simulated", "1,234", "56", "1,000", "0.004200", "answered"):
        assert fact in told


async def test_passages_are_shown_with_their_scores(at_home: httpx2.AsyncClient, backend: Backend) -> None:
    await say(at_home, "My cat is called Luna, and she is three years old.")
    await backend.indexing.index()
    code = await code_of(at_home, "/console/talk")
    assert (await fill_in(at_home, "/console/talk/new", {"code": code})).status_code == 303
    assert "Luna" not in (await at_home.get("/console/talk")).text
    told = await origin(at_home, await say(at_home, "What is my cat called?"))
    assert "My cat is called Luna, and she is three years old." in told
    assert re.search(r"\d+\.\d\d You", told)


async def test_what_was_decided_is_told_with_its_reason(
    at_home: httpx2.AsyncClient, provider: Provider, db: Database
) -> None:
    await db.run("update macros set enabled = true where slug = 'translate-document'")
    provider.will(CallsTool("translate-document", {"language": "German", "why": "asks for German"}), Answer("Hallo"))
    told = await origin(at_home, await say(at_home, "Put hello into German"))
    assert "macro translate-document" in told
    assert "asks for German" in told


async def test_a_problem_is_told_in_words_of_the_page(at_home: httpx2.AsyncClient, provider: Provider) -> None:
    provider.will(Fails(400))
    at_home.headers["Accept-Language"] = "ru-RU,ru;q=0.9,en;q=0.8"
    assert "Ни одна модель не смогла ответить" in await say(at_home, "Привет")


@pytest.mark.parametrize(("text", "status"), [("", 204), (" \n ", 204), ("\x00", 204), ("x" * 32_001, 422)])
async def test_what_cannot_be_said_is_refused(at_home: httpx2.AsyncClient, text: str, status: int) -> None:
    code = await code_of(at_home, "/console/talk")
    assert (await fill_in(at_home, "/console/talk", {"code": code, "text": text})).status_code == status


async def test_a_turn_that_is_not_there_is_said_so(at_home: httpx2.AsyncClient) -> None:
    missing = await at_home.get("/console/turns/5f1f6ad1-6c8c-4c55-9a5c-4f5d1f6b1c61", headers={"HX-Request": "true"})
    assert (missing.status_code, "no longer there" in missing.text) == (404, True)
    broken = await at_home.get("/console/turns/x")
    assert broken.status_code == 422


async def test_a_stopped_bot_does_not_talk(at_home: httpx2.AsyncClient, db: Database) -> None:
    await db.run("update bots set enabled = false")
    assert "All bots are stopped" in (await at_home.get("/console/talk")).text
    await db.run("insert into bots (slug, name) values ('support', 'Support')")
    page = (await at_home.get("/console/talk")).text
    assert 'name="bot" value="support"' in page
