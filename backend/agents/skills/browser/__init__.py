"""A real Chromium, on the queue `browser`: pages are opened, read, clicked, filled in and shown."""

from typing import Any

from backend.agents.skills.browser.host import Host, host_of
from backend.agents.skills.browser.host import examine as examine
from backend.agents.skills.browser.looking import BrowserOpen, BrowserRead, BrowserScreenshot
from backend.agents.skills.browser.pressing import BrowserClick, BrowserType
from backend.agents.skills.skill import Skill
from backend.settings import Settings


def browser_skills(settings: Settings) -> list[Skill[Any]]:
    return on_pages_of(host_of(settings))


def on_pages_of(host: Host) -> list[Skill[Any]]:
    """The skills that share the pages of one browser."""
    return [BrowserOpen(host), BrowserRead(host), BrowserClick(host), BrowserType(host), BrowserScreenshot(host)]
