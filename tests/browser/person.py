"""Somebody with a browser, who notices what should not happen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize, expect

PASSWORD, KEY = "open sesame", "a key of a test that nobody can guess"
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
SERIOUS = ("serious", "critical")
DESK, PHONE = ViewportSize(width=1200, height=800), ViewportSize(width=390, height=844)
PATIENCE_MS = 15_000.0
FAULTS = """
async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
    (fault) => [fault.impact, fault.id, fault.nodes.map((node) => node.html)]
)
"""
SCROLLS_SIDEWAYS = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"

expect.set_options(timeout=PATIENCE_MS)


class Person:
    """Looks at one page; whatever it asks of others, refuses or complains of is kept."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.asked: set[str] = set()
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.add(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)

    @classmethod
    @asynccontextmanager
    async def at(cls, chromium: Browser, address: str, **chosen: Any) -> AsyncIterator[Self]:
        """`chosen` is what a browser may prefer: `color_scheme`, `locale`, `viewport`."""
        wishes: dict[str, Any] = {"locale": "en-GB", "viewport": DESK} | chosen
        context = await chromium.new_context(**wishes)
        context.set_default_timeout(PATIENCE_MS)
        try:
            yield cls(await context.new_page(), address)
        finally:
            await context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    async def enter(self) -> None:
        await self.page.goto(f"{self.address}/")
        await self.page.locator("#password").fill(PASSWORD)
        await self.page.keyboard.press("Enter")
        await expect(self.page.locator("#now")).to_be_visible()

    async def go(self, path: str) -> None:
        await self.page.goto(f"{self.address}{path}")

    async def says(self, text: str) -> None:
        """And has the answer, as a whole."""
        answers = self.page.locator("details.origin")
        before = await answers.count()
        await self.page.locator("#text").fill(text)
        await self.page.keyboard.press("Enter")
        await expect(answers).to_have_count(before + 1)

    async def faults(self) -> list[Any]:
        """Serious ones of accessibility. axe comes in by the debugger, which no policy of a page keeps out."""
        await self.page.evaluate(AXE)
        found: list[Any] = await self.page.evaluate(FAULTS)
        return [fault for fault in found if fault[0] in SERIOUS]

    async def scrolls_sideways(self) -> bool:
        return bool(await self.page.evaluate(SCROLLS_SIDEWAYS))

    def check(self) -> None:
        """Nothing was asked of anybody else, and no page complained: breaches of its policy would be among that."""
        here = urlsplit(self.address).netloc
        assert {url for url in self.asked if urlsplit(url).netloc != here and not url.startswith("data:")} == set()
        assert self.complaints == []
