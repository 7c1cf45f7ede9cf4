"""A person at a desk: sees how everything is, talks, and looks what an answer was made from."""

import pytest
from playwright.async_api import Browser, expect

from backend.database import Database
from tests.browser.person import DESK, PHONE, Person


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


async def test_a_bot_is_stopped_and_started_and_the_page_follows(person: Person, db: Database) -> None:
    await person.enter()
    await person.page.get_by_role("button", name="Stop Assistant").click()
    await expect(person.page.get_by_role("button", name="Start Assistant")).to_be_visible()
    assert [row["enabled"] for row in await db.run("select enabled from bots")] == [False]
    await person.page.get_by_role("button", name="Start Assistant").click()
    await expect(person.page.get_by_role("button", name="Stop Assistant")).to_be_visible()
    await db.run("update bots set name = 'Renamed', enabled = false")  # by somebody else
    await expect(person.page.get_by_role("button", name="Start Renamed")).to_be_visible()


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
        for path in ("/", "/console/talk"):
            await person.go(path)
            if path == "/console/talk":
                await person.says("Hello, |a|b| and **more**")
                await person.page.locator("details.origin > summary").last.click()
                await expect(person.page.locator(".facts").last).to_be_visible()
            assert await person.faults() == []
            assert not await person.scrolls_sideways()
        person.check()
