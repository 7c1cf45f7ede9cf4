"""A person at a desk: sees how everything is, talks, and looks what an answer was made from."""

import asyncio

import pytest
from playwright.async_api import Browser, Route, expect

from backend.bots import Seal
from backend.database import Database
from backend.llm.variables import Variables
from backend.signing import LINK, console_signer
from tests.backend.api.console.test_runs import asked
from tests.backend.api.test_runs import TASK
from tests.backend.api.test_sockets import Pauses
from tests.browser.person import DESK, KEY, PASSWORD, PHONE, Person
from tests.simulators.provider import Answer, Provider
from tests.simulators.provider_tools import CallsTool
from tests.simulators.telegram import TelegramSimulator


async def test_the_wrong_password_is_told_and_the_right_one_opens(person: Person) -> None:
    await person.go("/")
    assert await person.faults() == []
    await person.page.locator("#password").fill("guess")
    await person.page.keyboard.press("Enter")
    await expect(person.page.get_by_role("alert")).to_have_text("This is not the password.")
    person.complaints.clear()  # that the answer was a 403
    await person.enter()
    await person.page.get_by_role("button", name="Log out").click()
    await expect(person.page.locator("#password")).to_be_visible()


async def test_from_nothing_to_an_answer_and_what_it_was_made_from(
    person: Person, model: Provider, telegram: TelegramSimulator, db: Database
) -> None:
    await person.go(f"/console/enter?link={console_signer([KEY], PASSWORD).issue(LINK, 60)}")
    await expect(person.page.get_by_role("heading", name="No model is set up yet")).to_be_visible()
    await person.page.locator("#now").get_by_role("link", name="Set up").click()
    await set_up_model(person, model)
    assert await person.faults() == []
    await set_up_bot(person, telegram)
    assert [tuple(row) for row in await db.run("select access, owner_id from bots")] == [("list", "42")]
    await talk(person, model)
    await person.page.get_by_role("link", name="Look").click()
    await person.page.locator("#q").fill("luna")
    await person.page.keyboard.press("Enter")
    await person.page.get_by_role("link", name="Your cat is called").click()
    await expect(person.page.locator(".message.person .text")).to_have_text("What is my cat called?")


async def set_up_model(person: Person, model: Provider) -> None:
    """With the wrong key first."""
    model.will(Answer("Good morning."))
    for key in ("sk-wrong", "sk-right"):
        await person.page.get_by_text("Another service").click()
        written = {"name": "stub", "address": model.base_url, "key": key, "model": "simulated"}
        for field, text in written.items():
            await person.page.locator(f"#other-{field}").fill(text)
        await person.page.keyboard.press("Enter")
        if key == "sk-wrong":
            await expect(person.page.get_by_role("alert")).to_contain_text("Nothing was saved.")
    await expect(person.page.locator("#models .done")).to_contain_text("Good morning.")


async def set_up_bot(person: Person, telegram: TelegramSimulator) -> None:
    """For its owner alone."""
    await person.page.locator("#bots").get_by_text("Assistant").click()
    await person.page.locator("#b-default-token").fill(telegram.token)
    await person.page.keyboard.press("Enter")
    await expect(person.page.locator("#bots .done")).to_have_text("default is @test_bot. It starts within seconds.")
    await person.page.get_by_label("A list").check()
    await person.page.locator("#b-default-owner").fill("42")
    await person.page.get_by_role("button", name="Save", exact=True).click()
    await expect(person.page.locator("#bots .done")).to_have_text("Saved for default.")


async def talk(person: Person, model: Provider) -> None:
    """The answer is seen while it is written, and opened then."""
    await person.page.get_by_role("link", name="Talk").click()
    gate = asyncio.Event()
    model.will(Pauses("Your cat ", "is called **Luna**.", gate))
    await person.page.locator("#text").fill("What is my cat called?")
    await person.page.keyboard.press("Enter")
    await expect(person.page.locator(".answering")).to_contain_text("Your cat")
    gate.set()
    await expect(person.page.locator(".message.bot strong").first).to_have_text("Luna")
    await person.page.locator("details.origin > summary").click()
    for fact in ("stub:simulated", "Tokens in", "answered"):
        await expect(person.page.locator(".made")).to_contain_text(fact)


async def test_what_is_refused_can_be_corrected_where_it_was_written(
    person: Person, telegram: TelegramSimulator
) -> None:
    await person.enter()
    await person.go("/console/setup")
    await person.page.locator("#bots").get_by_text("Assistant").click()
    for token, heading in (("nonsense", "This is not a token"), (telegram.token, "")):
        await person.page.locator("#b-default-token").fill(token)
        await person.page.keyboard.press("Enter")
        if heading:
            await expect(person.page.get_by_role("alert")).to_contain_text(heading)
    await expect(person.page.locator("#bots .done")).to_contain_text("default is @test_bot")
    await expect(person.page.get_by_role("alert")).to_have_count(0)
    await person.go("/console/talk")
    await person.page.evaluate("document.querySelector('[data-composer] [name=code]').value = 'of yesterday'")
    await person.page.locator("#text").fill("Hello")
    await person.page.keyboard.press("Enter")
    await expect(person.page.get_by_role("alert")).to_contain_text("no longer good")
    await expect(person.page.locator("#text")).to_have_value("Hello")
    alert, chat = [await person.page.locator(part).bounding_box() for part in ("#trouble .alert", ".talk")]
    assert alert
    assert chat
    assert alert["y"] + alert["height"] <= chat["y"]
    assert await person.faults() == []
    person.complaints.clear()  # that the answers were a 422 and a 403


async def test_a_bot_is_stopped_and_started_and_the_page_follows(person: Person, db: Database) -> None:
    await person.enter()
    await person.page.get_by_role("button", name="Stop Assistant").click()
    await expect(person.page.get_by_role("button", name="Start Assistant")).to_be_visible()
    assert [row["enabled"] for row in await db.run("select enabled from bots")] == [False]
    await person.page.get_by_role("button", name="Start Assistant").click()
    await expect(person.page.get_by_role("button", name="Stop Assistant")).to_be_visible()
    await db.run("update bots set name = 'Renamed', enabled = false")  # by somebody else
    await expect(person.page.get_by_role("button", name="Start Renamed")).to_be_visible()


async def test_the_page_is_live_also_if_a_part_of_it_comes_late(person: Person, db: Database) -> None:
    async def late(route: Route) -> None:
        await asyncio.sleep(0.5)
        await route.continue_()

    await person.page.route("**/hx-sse.min.js", late)
    await person.enter()
    await db.run("update bots set name = 'Renamed'")
    await expect(person.page.get_by_role("button", name="Stop Renamed")).to_be_visible()


async def test_whoever_uses_the_keyboard_alone_gets_everywhere(person: Person) -> None:
    await person.enter()
    await person.page.keyboard.press("Tab")
    await expect(person.page.get_by_role("link", name="To the content")).to_be_focused()
    await person.page.keyboard.press("Enter")
    await expect(person.page.locator("#main")).to_be_focused()
    await person.go("/console/talk")
    await person.page.keyboard.type("Hello")
    await person.page.keyboard.press("Shift+Enter")
    await person.page.keyboard.type("there")
    await person.page.keyboard.press("Enter")
    await expect(person.page.locator(".message.person .text")).to_have_text("Hello\nthere")
    await expect(person.page.locator("details.origin")).to_have_count(1)
    await expect(person.page.locator("#text")).to_be_focused()
    await person.page.keyboard.press("Shift+Tab")
    await expect(person.page.locator("summary").last).to_be_focused()
    await person.page.keyboard.press("Enter")
    await expect(person.page.locator(".made").last).to_contain_text("Route")


async def test_the_apis_description_is_all_ours(person: Person) -> None:
    await person.go("/docs")
    await expect(person.page.locator(".swagger-ui .title")).to_contain_text("LLM Bot Core")


@pytest.mark.parametrize("locale", ["en-GB", "ru-RU"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_good_to_read_on_a_desk_and_on_a_phone(
    chromium: Browser, backend_at: str, db: Database, scheme: str, locale: str
) -> None:
    viewport = PHONE if locale == "ru-RU" else DESK
    async with Person.at(chromium, backend_at, color_scheme=scheme, locale=locale, viewport=viewport) as person:
        await person.enter()
        for path in ("/", "/console/talk", "/console/look", "/console/setup"):
            await person.go(path)
            if path == "/console/talk":
                await person.says("Hello, |a|b| and **more**")
                await person.page.locator("details.origin > summary").last.click()
                await expect(person.page.locator(".facts").last).to_be_visible()
            if path == "/console/setup":
                await person.page.locator("details.entry > summary").first.click()
                await person.page.locator("#bots details.entry > summary").first.click()
            assert await person.faults() == []
            assert not await person.scrolls_sideways()
        person.check()


async def test_what_a_run_asks_is_answered_in_the_chat(person: Person, model: Provider, db: Database) -> None:
    variables = Variables(db, Seal([KEY]), {})
    await variables.save({"STUB_BASE_URL": model.base_url, "STUB_API_KEY": "sk-right", "LLM_CHAIN": "stub:simulated"})
    await db.run(
        "insert into agents (slug, name, description, instructions) values ('librarian', 'L', 'Finds books.', 'Find.')"
    )
    await person.enter()
    await expect(person.page.locator("#now")).to_contain_text("stub:simulated")
    await person.page.get_by_role("link", name="Talk").click()
    model.will(CallsTool("LIBRARIAN", {"task": TASK, "why": "asks"}))
    await person.page.locator("#text").fill("When does the museum open?")
    await person.page.keyboard.press("Enter")
    await expect(person.page.locator(".run .steps")).to_contain_text(TASK)
    [run] = await db.run("select id from agent_runs")
    await asked(db, run["id"], "console")
    await expect(person.page.locator(".asked pre")).to_have_text("+ milk")
    assert await person.faults() == []
    await person.page.get_by_role("button", name="Cancel").click()
    await expect(person.page.locator(".run")).to_contain_text("cancelled")
