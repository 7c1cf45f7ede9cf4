"""An operator at work, in a real Chromium: what is corrected on a page is what the model is shown next."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from tests.backend.chat.conversation import Person
from tests.backend.chat.test_delivering import sends
from tests.directus.house import House
from tests.processes import until
from tests.simulators.provider import Answer, Provider

pytestmark = pytest.mark.directus

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
# Where pictures of the panel go, for docs/directus.md.
PICTURES = os.environ.get("DIRECTUS_PICTURES", "")
# A loaded machine draws a page of Directus in half a minute.
PATIENCE = 120_000


@pytest.fixture
async def page(house: House) -> AsyncIterator[Page]:
    """A browser in which the operator has just logged in."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium here")
    async with async_playwright() as browsers:
        chromium = await browsers.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = await chromium.new_page(viewport={"width": 1680, "height": 1000}, locale="en-US")
        page.set_default_timeout(PATIENCE)
        await log_in(page, house)
        yield page
        await chromium.close()


async def log_in(page: Page, house: House) -> None:
    operator = house.people["operator"]
    await page.goto(f"{house.url}/admin/login")
    await page.fill("input[type=email]", operator.email)
    await page.fill("input[type=password]", operator.password)
    await page.click("button[type=submit]")
    await page.wait_for_url("**/admin/content**")


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.wait_for_load_state("networkidle")
        await page.screenshot(path=str(Path(PICTURES, f"{name}.png")))


async def test_an_operator_reads_a_session_corrects_a_message_and_the_model_sees_it(
    page: Page, house: House, anna: Person, provider: Provider
) -> None:
    provider.will(Answer("Noted: Rex."), Answer("Three is young."))
    await sends(anna, "My dog is called Rex")
    await sends(anna, "He is three years old")
    await page.goto(f"{house.url}/admin/content/chat_sessions")
    await page.get_by_role("cell", name="anna").first.click()
    lines = page.locator(".field", has=page.get_by_text("Messages", exact=True)).locator(".v-list-item")
    await lines.nth(3).wait_for()
    assert [" ".join(text.split()) for text in await lines.all_inner_texts()] == [
        "Person My dog is called Rex",
        "Bot Noted: Rex.",
        "Person He is three years old",
        "Bot Three is young.",
    ]
    await picture(page, "session")

    await lines.first.click()
    drawer = page.locator(".v-drawer")
    await drawer.locator("textarea").first.fill("My dog is called Bella")
    await drawer.get_by_role("button", name="Save").click()
    await drawer.wait_for(state="detached")
    await page.get_by_role("button", name="Save").first.click()
    await until(lambda: has_said(anna, "My dog is called Bella"))

    await anna.says("What is my dog called?")
    prompt = str(provider.prompts[-1])
    assert "My dog is called Bella" in prompt
    assert "My dog is called Rex" not in prompt


async def has_said(person: Person, text: str) -> bool:
    return ("user", text) in await person.transcript()
