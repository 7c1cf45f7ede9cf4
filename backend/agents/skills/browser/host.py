"""The browser of this process: found, begun when the first page is opened, and examined."""

import os
import shutil
from collections.abc import Callable, Coroutine
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from backend.agents.skills.aside import Aside
from backend.agents.skills.skill import Failed, P, Skill
from backend.agents.skills.web.addresses import Addresses
from backend.findings import Finding
from backend.settings import Settings

if TYPE_CHECKING:
    from backend.agents.skills.browser.chromium import Chromium

T = TypeVar("T")

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A page waits for a person as long as the question does, and for the model in any case so long.
IDLE_SECONDS = 600.0


class Host:
    """Holds pages between the moves of a step: they are in this process, and nowhere else."""

    def __init__(self, program: str, addresses: Addresses, idle_seconds: float = IDLE_SECONDS) -> None:
        """`idle_seconds` after it was used last, a page is closed."""
        self.program = program
        self.addresses = addresses
        self._idle = idle_seconds
        self._aside = Aside("browser")
        self._chromium: Chromium | None = None

    @property
    def begun(self) -> bool:
        return self._chromium is not None

    def missing(self) -> str:
        """What has to be there, and is not; nothing if all is."""
        if not find_spec("playwright"):
            return "the package playwright is not installed: pip install 'llm-bot-core[browser]'"
        if not self.program or not os.access(self.program, os.X_OK):
            return "no Chromium is found: install it, or set CHROMIUM to where it is"
        return ""

    async def use(self, do: Callable[["Chromium"], Coroutine[Any, Any, T]]) -> T:
        """What comes of something that is done with the browser, in its own thread."""
        return await self._aside.run(self._use(do))

    async def close(self) -> None:
        if self._chromium:
            await self._aside.run(self._chromium.close())
        self._chromium = None
        await self._aside.close()

    async def _use(self, do: Callable[["Chromium"], Coroutine[Any, Any, T]]) -> T:
        from backend.agents.skills.browser.chromium import Chromium  # noqa: PLC0415 - only for those who use it

        self._chromium = self._chromium or Chromium(self.program, self.addresses, self._idle)
        return await do(self._chromium)


def host_of(settings: Settings) -> Host:
    program = settings.chromium or next(filter(None, map(shutil.which, PROGRAMS)), "")
    waits_for_person = settings.confirmation_timeout_minutes * 60 + 60
    return Host(program, Addresses(settings.web_private_hosts), max(IDLE_SECONDS, waits_for_person))


class BrowserSkill(Skill[P]):
    """A skill that uses the page of its step."""

    family = "browser"
    seconds = 90.0

    def __init__(self, host: Host) -> None:
        self._host = host

    def unavailable(self) -> str:
        return self._host.missing()


async def examine(settings: Settings) -> list[Finding]:
    """Whether pages can be opened, and whether Chromium has a sandbox of its own for them."""
    host = host_of(settings)
    if missing := host.missing():
        return [Finding("browser", True, f"not offered: {missing}")]
    try:
        version, sandboxed = await host.use(lambda chromium: chromium.try_out())
    except Failed as failed:
        return [Finding("browser", False, str(failed), f"check {host.program}")]
    finally:
        await host.close()
    return [Finding("browser", True, f"Chromium {version}, {'in' if sandboxed else 'WITHOUT'} its own sandbox")]
