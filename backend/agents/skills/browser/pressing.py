"""Clicking and typing: what sends, buys or signs in is asked about, with all that would be sent."""

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from backend.agents.skills.browser.elements import Element
from backend.agents.skills.browser.host import BrowserSkill, Host
from backend.agents.skills.skill import Context, Danger, Failed, Preview, Refused, Result

if TYPE_CHECKING:
    from backend.agents.skills.browser.chromium import Chromium
    from backend.agents.skills.browser.page import OpenPage, View


class Pressed(BaseModel):
    """What a model gives."""

    element: int = Field(ge=1, description="The element's number in the last look at the page")


class Typed(Pressed):
    """What a model gives."""

    text: str = Field(max_length=4_000, description="What the field is to hold, or the choice by what it says")


class BrowserClick(BrowserSkill[Pressed]):
    name = "browser_click"
    description = (
        "Clicks an element of the open page; returns what the page is then. Only plain links need no confirmation."
    )
    parameters = Pressed
    danger = Danger.CONFIRM

    async def weigh(self, params: Pressed, context: Context) -> Danger:
        """A link is followed as an address that was shown; not where a secret was typed, as it may act for somebody."""
        element, page = await _look(self._host, params, context)
        if not element.is_link or page.knows_secret:
            return Danger.CONFIRM
        self._host.addresses.read(element.address)
        return Danger.SAFE

    def grants(self, params: Pressed) -> str | None:
        """A number says nothing about what is clicked the next time."""
        return None

    async def preview(self, params: Pressed, context: Context) -> Preview:
        element, page = await _look(self._host, params, context)
        detail = [f"{page.address}", element.line(params.element), element.sends()]
        return Preview(f"Click {element.label!r}", "\n".join(filter(None, detail)))

    async def run(self, params: Pressed, context: Context) -> Result:
        async def press(chromium: "Chromium") -> "View":
            return await (await chromium.page(context.step_id)).press(params.element)

        view = await self._host.use(press)
        return Result(view.text, origin=f"the page {view.address}")


class BrowserType(BrowserSkill[Typed]):
    name = "browser_type"
    description = (
        "Fills in a field of the open page, or makes a choice in a list; what was in it is replaced."
        " What the person wrote, word for word, needs no confirmation; nor do choices."
    )
    parameters = Typed

    async def weigh(self, params: Typed, context: Context) -> Danger:
        """A page can read what is typed: what the model composed may carry out what it was shown."""
        element, _ = await _look(self._host, params, context)
        if element.is_secret:
            return Danger.CONFIRM
        own = _words(params.text) in _words(context.words)
        return Danger.SAFE if own or element.tag == "select" else Danger.CONFIRM

    def grants(self, params: Typed) -> str | None:
        """As for clicks."""
        return None

    async def preview(self, params: Typed, context: Context) -> Preview:
        element, page = await _look(self._host, params, context)
        return Preview(
            f"Type into {element.label!r}", f"{page.address}\n{element.line(params.element)}\n\n{params.text}"
        )

    def redacted(self, params: Typed) -> dict[str, Any]:
        """It may be a password."""
        return {"element": params.element, "text": f"({len(params.text)} characters)"}

    async def run(self, params: Typed, context: Context) -> Result:
        async def fill(chromium: "Chromium") -> None:
            await (await chromium.page(context.step_id)).fill(params.element, params.text)

        await self._host.use(fill)
        return Result("It is typed.")


async def _look(host: Host, params: Pressed, context: Context) -> "tuple[Element, OpenPage]":
    """The element, and the page that it is on. Raises `Refused` if they are not there any more."""

    async def find(chromium: "Chromium") -> "tuple[Element, OpenPage]":
        page = await chromium.page(context.step_id)
        return await page.element(params.element), page

    try:
        return await host.use(find)
    except Failed as failed:
        raise Refused(str(failed)) from failed


def _words(text: str) -> str:
    return " ".join(text.casefold().split())
