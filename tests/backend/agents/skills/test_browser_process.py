"""Chromium is begun when it is needed and ends when nobody uses it; the doctor tries it out."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from backend.agents.skills.browser import examine, on_pages_of
from backend.agents.skills.browser.host import Host
from backend.agents.skills.skill import Failed
from backend.agents.skills.web.addresses import Addresses
from backend.settings import Settings
from tests.backend.agents.skills.browsing import FOUND, Hands, chromiums
from tests.processes import until
from tests.simulators.website import Website

pytestmark = pytest.mark.skipif(bool(FOUND.missing()), reason=f"no browser here: {FOUND.missing()}")


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with Website() as site:
        yield site


async def test_a_page_that_nobody_uses_is_closed(site: Website) -> None:
    others = await asyncio.to_thread(chromiums)
    # More than opening takes on a busy machine, as the page is not used meanwhile.
    host = Host(FOUND.program, Addresses(site.host), idle_seconds=5)
    hands = Hands(host, words=f"{site.url}/form")
    await hands.do("open", address=f"{site.url}/form")

    async def closed() -> bool:
        return await asyncio.to_thread(chromiums) <= others

    await until(closed)
    with pytest.raises(Failed, match="open it anew"):
        await hands.do("read")
    await host.close()


async def test_a_chromium_that_was_killed_is_begun_again(site: Website) -> None:
    others = await asyncio.to_thread(chromiums)
    host = Host(FOUND.program, Addresses(site.host))
    hands = Hands(host, words=f"{site.url}/form")
    await hands.do("open", address=f"{site.url}/form")
    for pid in await asyncio.to_thread(chromiums) - others:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(Failed, match="open it anew"):
        await hands.do("read")
    assert "Order tea" in (await hands.do("open", address=f"{site.url}/form")).text
    await host.close()


async def test_the_doctor_tries_it_out() -> None:
    [finding] = await examine(Settings())
    assert finding.ok
    assert finding.detail.startswith("Chromium ")
    assert finding.detail.endswith("its own sandbox")


async def test_without_chromium_it_is_not_offered() -> None:
    [skill, *_] = on_pages_of(Host("/nowhere", Addresses()))
    assert skill.unavailable() == "no Chromium is found: install it, or set CHROMIUM to where it is"
    [finding] = await examine(Settings(chromium="/nowhere"))
    assert finding.detail.startswith("not offered: no Chromium")
