"""The browser in a run: a form is filled in, the person says yes, and gets what the page says with a picture of it."""

import re
from collections.abc import AsyncIterator, Callable

import pytest

from backend.agents.skills import Skills
from backend.agents.skills.browser import on_pages_of
from backend.agents.skills.browser.host import Host
from backend.agents.skills.web.addresses import Addresses
from backend.agents.thinking import Thinking
from backend.agents.workshop import Workshop
from tests.backend.agents.bench import Bench, step
from tests.backend.agents.skills.browsing import FOUND
from tests.simulators.provider import Provider
from tests.simulators.provider_behaviours import Behaviour
from tests.simulators.provider_scenes import Scene, Seen, plays
from tests.simulators.provider_tools import CallsTool
from tests.simulators.website import Website

pytestmark = pytest.mark.skipif(bool(FOUND.missing()), reason=f"no browser here: {FOUND.missing()}")

DELIVERIES = "select kind from deliveries order by id"


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with Website() as site:
        yield site


@pytest.fixture
async def skills(site: Website) -> AsyncIterator[Skills]:
    skills = Skills(on_pages_of(Host(FOUND.program, Addresses(site.host))))
    yield skills
    await skills.close()


@pytest.fixture
def workshop(bench: Bench, skills: Skills) -> Workshop:
    mind, rules = Thinking(bench.backend.llm), bench.workshop()._rules
    return Workshop(bench.db, bench.jobs, mind, skills, bench.backend.memory.promise, rules)


async def work(bench: Bench, workshop: Workshop) -> None:
    while bench.jobs.advanced:
        await workshop.advance(bench.jobs.advanced.pop(0)[1])


def uses(skill: str, element: str, **arguments: object) -> Callable[[Seen], Behaviour]:
    """On the element whose line, in what was brought last, says this."""

    def use(seen: Seen) -> Behaviour:
        pages = [message["content"] for message in seen.messages if message["role"] == "tool"]
        [number] = next(found for page in reversed(pages) if (found := re.findall(rf"\[(\d+)\][^\n]*{element}", page)))
        return CallsTool(skill, {"element": int(number), **arguments})

    return use


async def test_a_form_is_filled_in_and_the_person_gets_a_picture(
    bench: Bench, workshop: Workshop, provider: Provider, site: Website
) -> None:
    words = f"Order black tea for Anna Smith at {site.url}/form"
    provider.rule = plays(
        Scene(
            "order",
            CallsTool("browser_open", {"address": f"{site.url}/form"}),
            uses("browser_type", "Name", text="Anna Smith"),
            uses("browser_type", "Kind", text="black"),
            uses("browser_click", "Order now"),
            CallsTool("browser_screenshot", {}),
            lambda seen: "The page says: " + re.findall(r"Your \w+ tea[\w ,]* 4711\.", str(seen.messages))[0],
        )
    )
    await bench.db.run("update agents set skills = '{browser}' where slug = 'clerk'")
    run = await bench.begin(step("Order the tea", queue="browser"))
    await bench.db.run("update agent_runs set request = $1", words)
    await work(bench, workshop)
    [question] = await bench.db.run("select * from confirmations")
    assert question["title"] == "Click 'Order now'"
    assert question["detail"].endswith(f"POST {site.url}/ordered\nname = Anna Smith\nkind = black\nsecret = ")
    assert "POST /ordered" not in site.asked
    await bench.backend.agents.confirm(question["id"], "anna")
    await work(bench, workshop)
    assert await bench.said(run) == "The page says: Your black tea is on its way, order 4711."
    assert site.asked.count("POST /ordered") == 1
    assert await bench.calls(run) == [
        ("browser_open", "safe", "done"),
        ("browser_type", "safe", "done"),
        ("browser_type", "safe", "done"),
        ("browser_click", "confirmed", "done"),
        ("browser_screenshot", "safe", "done"),
    ]
    [picture] = await bench.db.run("select name, media_type, content from run_files where run_id = $1", run)
    assert (picture["name"], picture["media_type"], picture["content"][:4]) == ("page.png", "image/png", b"\x89PNG")
    assert [row["kind"] for row in await bench.db.run(DELIVERIES)][-2:] == ["file", "answer"]
