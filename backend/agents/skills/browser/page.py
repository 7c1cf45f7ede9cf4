"""A page that a step has open: what is on it, by numbers that hold until it is looked at again."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from playwright.async_api import BrowserContext, ElementHandle, Error, Page, Route
from pydantic import ValidationError

from backend.agents.skills.browser.elements import DESCRIBE, SELECTOR, Element
from backend.agents.skills.browser.proxy import REFUSED, CheckingProxy
from backend.agents.skills.skill import Failed, Refused, Uncertain
from backend.agents.skills.web.addresses import Addresses

LOAD_SECONDS, SETTLE_SECONDS, LOOK_SECONDS, ACT_SECONDS = 25.0, 3.0, 15.0, 10.0
# A click needs a moment to show what comes of it.
STIR_SECONDS = 0.3
# What playwright notes when it is about to click, after all that it waits for before.
CLICKS = "performing click action"
LONGEST_TEXT, MOST_ELEMENTS, MOST_LOOKED_AT = 20_000, 100, 300

GONE = "no page is open here any more: open it anew with browser_open"


@dataclass(frozen=True, slots=True)
class View:
    """A page as a model is shown it."""

    address: str
    text: str


class OpenPage:
    """Raises `Failed` or `Refused` from everything that the page, or what is behind it, does not let happen."""

    def __init__(
        self, context: BrowserContext, proxy: CheckingProxy, addresses: Addresses, stack: AsyncExitStack
    ) -> None:
        self._context = context
        self._proxy = proxy
        self._addresses = addresses
        self._stack = stack
        self._page: Page
        self._elements: dict[int, tuple[ElementHandle, Element]] = {}
        self._last_number = 0
        self._timer: asyncio.TimerHandle | None = None
        self._begin_timer: Callable[[], asyncio.TimerHandle]
        # Whoever has typed a secret may have signed in: then links may do things as that person.
        self.knows_secret = False

    @property
    def closed(self) -> bool:
        return self._page.is_closed()

    @property
    def address(self) -> str:
        return self._page.url

    def on_idle(self, begin_timer: Callable[[], asyncio.TimerHandle]) -> None:
        self._begin_timer = begin_timer
        self.postpone()

    def postpone(self) -> None:
        """It is in use: it may stay open as long again."""
        if self._timer:
            self._timer.cancel()
        self._timer = self._begin_timer()

    async def begin(self) -> None:
        await self._context.route("**/*", self._check)
        self._page = await self._context.new_page()
        self._context.on("page", self._turn_to)

    async def close(self) -> None:
        if self._timer:
            self._timer.cancel()
        with suppress(Error):
            await self._stack.aclose()

    async def go(self, address: str) -> View:
        """Raises `Refused` if the address, or one that it leads on to, is not to be reached."""
        url = self._addresses.read(address)
        self._proxy.refused = ""
        try:
            answer = await self._page.goto(str(url), timeout=LOAD_SECONDS * 1_000, wait_until="domcontentloaded")
        except Error as error:
            why = self._why(error)
            await self._clear()
            raise why from error
        if answer and REFUSED in answer.headers:
            await self._clear()
            raise Refused(self._proxy.refused)
        return await self.look()

    async def look(self) -> View:
        """Numbers are never given twice, so that one of an earlier look names nothing else."""
        await self._settle()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                with suppress(Error):
                    return await self._look()
                await self._settle()  # it went elsewhere at this very moment
                return await self._look()
        except TimeoutError as error:
            raise Failed("the page is too busy to be looked at") from error
        except Error as error:
            raise self._why(error) from error

    async def _look(self) -> View:
        self._elements.clear()
        text = await self._page.evaluate("() => document.body ? document.body.innerText : ''")
        for handle in (await self._page.query_selector_all(SELECTOR))[:MOST_LOOKED_AT]:
            if len(self._elements) < MOST_ELEMENTS and (element := await _seen(handle)):
                self._last_number += 1
                self._elements[self._last_number] = handle, element
        lines = [element.line(number) for number, (_, element) in self._elements.items()]
        return View(self.address, "\n".join([f"# {await self._page.title()}", _cut(str(text)), "", *lines]).strip())

    async def element(self, number: int) -> Element:
        """As it was when it was looked at. Raises `Refused` if it is another now."""
        if number not in self._elements:
            raise Refused(f"there is no element {number}: the numbers are those of the last look at the page")
        handle, seen = self._elements[number]
        now = await _seen(handle)
        if not now or now.model_copy(update={"fields": seen.fields, "value": seen.value}) != seen:
            raise Refused(f"the element {number} has changed: look at the page again")
        return now

    async def press(self, number: int) -> View:
        """A link is followed by its address, so that no script of the page has a say."""
        element = await self.element(number)
        if element.is_link:
            return await self.go(element.address)
        try:
            await self._elements[number][0].click(timeout=ACT_SECONDS * 1_000)
        except Error as error:
            if CLICKS in error.message:
                raise Uncertain("the page did not take the click in time") from error
            raise self._why(error) from error
        await asyncio.sleep(STIR_SECONDS)
        try:
            return await self.look()
        except (Refused, Failed) as unseen:
            raise Uncertain(f"it was clicked, but what came of it cannot be seen: {unseen}") from unseen

    async def fill(self, number: int, text: str) -> None:
        """A field, or a choice by what it says."""
        element, handle = await self.element(number), self._elements[number][0]
        if not element.is_field:
            raise Refused(f"nothing can be typed into the element {number}")
        self.knows_secret = self.knows_secret or element.is_secret
        try:
            if element.tag == "select":
                await handle.select_option(label=text, timeout=ACT_SECONDS * 1_000)
            else:
                await handle.fill(text, timeout=ACT_SECONDS * 1_000)
        except Error as error:
            raise self._why(error) from error

    async def picture(self) -> bytes:
        await self._settle()
        try:
            return await self._page.screenshot(type="png", timeout=ACT_SECONDS * 1_000)
        except Error as error:
            raise self._why(error) from error

    async def _clear(self) -> None:
        """Nothing is left of a page that did not come, and nothing of it still goes on."""
        self._elements.clear()
        with suppress(Error):
            before, self._page = self._page, await self._context.new_page()
            await before.close()

    async def _settle(self) -> None:
        """What the page does of itself gets a moment to come to an end."""
        with suppress(Error):
            await self._page.wait_for_load_state("networkidle", timeout=SETTLE_SECONDS * 1_000)

    async def _check(self, route: Route) -> None:
        """The proxy checks once more, what it is asked for; this also stops what would not go through it."""
        with suppress(Error):
            try:
                self._addresses.read(route.request.url)
            except Refused as refused:
                self._proxy.refused = str(refused)
                await route.abort("blockedbyclient")
            else:
                await route.continue_()

    def _turn_to(self, page: Page) -> None:
        """A page that the page has opened."""
        self._page = page
        self._elements.clear()

    def _why(self, error: Error) -> Exception:
        if self._proxy.refused and "net::ERR" in error.message:
            return Refused(self._proxy.refused)
        if "closed" in error.message or "crashed" in error.message:
            return Failed(GONE)
        return Failed(error.message.splitlines()[0][:200], f"the page {self.address}")


async def _seen(handle: ElementHandle) -> Element | None:
    """None for what cannot be seen, or has gone."""
    try:
        return Element.model_validate(await handle.evaluate(DESCRIBE)) if await handle.is_visible() else None
    except (Error, ValidationError):
        return None


def _cut(text: str) -> str:
    more = len(text) - LONGEST_TEXT
    return text if more <= 0 else f"{text[:LONGEST_TEXT]}\n[{more} characters more are left out]"
