"""Opening, reading and showing pages."""

from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import BaseModel, Field

from backend.agents.skills.browser.host import BrowserSkill
from backend.agents.skills.skill import Context, Danger, File, Preview, Result
from backend.agents.skills.web import provenance
from backend.agents.skills.web.addresses import LONGEST_ADDRESS

if TYPE_CHECKING:
    from backend.agents.skills.browser.chromium import Chromium
    from backend.agents.skills.browser.page import View


class Address(BaseModel):
    """What a model gives."""

    address: str = Field(max_length=LONGEST_ADDRESS, description="The page's address, as https://example.com/page")


class Nothing(BaseModel):
    """There is nothing to give."""


class BrowserOpen(BrowserSkill[Address]):
    name = "browser_open"
    description = (
        "Opens a page in a browser; returns its text, and numbered elements that can be clicked or typed into."
        " Use addresses that the person gave or that were found, as they are; any other has to be confirmed."
        " For a page that is only to be read, web_fetch is quicker."
    )
    parameters = Address

    async def weigh(self, params: Address, context: Context) -> Danger:
        return provenance.weigh(self._host.addresses.read(params.address), context)

    def grants(self, params: Address) -> str:
        return f"{self.name} {self._host.addresses.read(params.address).host_port_subcomponent}"

    async def preview(self, params: Address, context: Context) -> Preview:
        url = self._host.addresses.read(params.address)
        return Preview(f"Chromium: {url.host_port_subcomponent}", f"GET {url}")

    async def run(self, params: Address, context: Context) -> Result:
        async def go(chromium: "Chromium") -> "View":
            page = await chromium.open(context.step_id, context.language)
            return await page.go(params.address)

        view = await self._host.use(go)
        return Result(view.text, origin=f"the page {view.address}")

    async def leave(self, step_id: UUID) -> None:
        """The page is closed with its step; this also holds for what the other skills did with it."""
        if self._host.begun:
            await self._host.use(lambda chromium: chromium.leave(step_id))

    async def close(self) -> None:
        await self._host.close()


class BrowserRead(BrowserSkill[Nothing]):
    name = "browser_read"
    description = "Looks at the open page again: its text, and its elements with new numbers."
    parameters = Nothing

    async def run(self, params: Nothing, context: Context) -> Result:
        async def look(chromium: "Chromium") -> "View":
            return await (await chromium.page(context.step_id)).look()

        view = await self._host.use(look)
        return Result(view.text, origin=f"the page {view.address}")


class BrowserScreenshot(BrowserSkill[Nothing]):
    name = "browser_screenshot"
    description = "Takes a picture of the open page as it is seen; the person gets it in the chat."
    parameters = Nothing

    async def run(self, params: Nothing, context: Context) -> Result:
        async def take(chromium: "Chromium") -> bytes:
            return await (await chromium.page(context.step_id)).picture()

        picture = await self._host.use(take)
        return Result("The person gets the picture.", files=(File("page.png", "image/png", picture),))
