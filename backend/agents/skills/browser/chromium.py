"""Chromium itself, by playwright: a fresh context for every step, behind a proxy of its own."""

import asyncio
import os
from contextlib import AsyncExitStack
from uuid import UUID

import structlog
from playwright.async_api import Browser, Error, async_playwright

from backend.agents.skills.browser.page import GONE, OpenPage
from backend.agents.skills.browser.proxy import LOOPBACK, CheckingProxy
from backend.agents.skills.skill import Failed
from backend.agents.skills.web.addresses import Addresses

log = structlog.get_logger(__name__)

MOST_PAGES = 8
START_SECONDS = 30.0
ARGUMENTS = [
    # Names are the proxy's business; nothing goes around it.
    f"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {LOOPBACK}",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pings",
    "--disable-dev-shm-usage",
]
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
SIZE = {"width": 1280, "height": 800}


class Chromium:
    """Begun with its first page, ended with its last. All of this goes on in the thread of `Aside`."""

    def __init__(self, program: str, addresses: Addresses, idle_seconds: float) -> None:
        self._program = program
        self._addresses = addresses
        self._idle_seconds = idle_seconds
        self._pages: dict[UUID, OpenPage] = {}
        self._stack = AsyncExitStack()
        self._browser: Browser | None = None
        self._sandboxed = True
        self._leaving: set[asyncio.Future[None]] = set()
        # Nobody opens a page while another one ends the browser, because the last page has gone.
        self._lock = asyncio.Lock()

    async def page(self, step_id: UUID) -> OpenPage:
        """The page that a step has open. Raises `Failed`."""
        page = self._pages.get(step_id)
        if not page or page.closed:
            raise Failed(GONE)
        page.postpone()
        return page

    async def open(self, step_id: UUID, language: str) -> OpenPage:
        """The one that it has, or a new one, without cookies or anything else of the others. Raises `Failed`."""
        page = self._pages.get(step_id)
        if page and not page.closed:
            page.postpone()
            return page
        async with self._lock:
            await self._close(step_id)
            if len(self._pages) >= MOST_PAGES:
                raise Failed("too many pages are open: try again later")
            page = self._pages[step_id] = await self._new(await self._begun(), step_id, language)
        return page

    async def leave(self, step_id: UUID) -> None:
        async with self._lock:
            await self._close(step_id)
            if not self._pages:
                await self._end()

    async def close(self) -> None:
        async with self._lock:
            await self._end()

    async def try_out(self) -> tuple[str, bool]:
        """Its version, and whether it has its sandbox. Raises `Failed`."""
        async with self._lock:
            browser = await self._begun()
        return browser.version, self._sandboxed

    async def _new(self, browser: Browser, step_id: UUID, language: str) -> OpenPage:
        stack = AsyncExitStack()
        try:
            proxy = await stack.enter_async_context(CheckingProxy(self._addresses).opened())
            context = await browser.new_context(
                # Playwright itself keeps loopback from going around the proxy.
                proxy={"server": f"http://{LOOPBACK}:{proxy.port}"},
                accept_downloads=False,
                service_workers="block",
                permissions=[],
                viewport={"width": SIZE["width"], "height": SIZE["height"]},
                locale=language or "en",
            )
            stack.push_async_callback(context.close)
            idle = asyncio.get_running_loop().call_later
            page = OpenPage(context, proxy, self._addresses, stack)
            page.on_idle(lambda: idle(self._idle_seconds, self._leave_soon, step_id))
            await page.begin()
        except Error as error:
            await stack.aclose()
            raise Failed(f"the browser failed: {_first_line(error)}") from error
        return page

    def _leave_soon(self, step_id: UUID) -> None:
        self._leaving.add(leaving := asyncio.ensure_future(self.leave(step_id)))
        leaving.add_done_callback(self._leaving.discard)

    async def _begun(self) -> Browser:
        if self._browser and self._browser.is_connected():
            return self._browser
        await self._end()
        playwright = await self._stack.enter_async_context(async_playwright())
        # As root it does not start in its sandbox; elsewhere the machine may not let it have one.
        self._sandboxed = os.geteuid() != 0
        while not self._browser:
            try:
                self._browser = await playwright.chromium.launch(
                    executable_path=self._program,
                    chromium_sandbox=self._sandboxed,
                    args=ARGUMENTS,
                    env={name: os.environ[name] for name in INHERITED if name in os.environ},
                    timeout=START_SECONDS * 1_000,
                )
            except Error as error:
                if not self._sandboxed or "sandbox" not in str(error).lower():
                    await self._end()
                    raise Failed(f"Chromium does not start: {_first_line(error)}") from error
                log.warning("chromium_without_sandbox")
                self._sandboxed = False
        self._stack.push_async_callback(self._browser.close)
        return self._browser

    async def _close(self, step_id: UUID) -> None:
        """What a step has of it, also where its page has closed itself."""
        if page := self._pages.pop(step_id, None):
            await page.close()

    async def _end(self) -> None:
        """All of it; what it had open is gone."""
        for step_id in list(self._pages):
            await self._close(step_id)
        self._browser = None
        await self._stack.aclose()


def _first_line(error: Error) -> str:
    return error.message.splitlines()[0][:200]
