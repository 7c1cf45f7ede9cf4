import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from backend.database import Database
from backend.settings import Settings
from tests.backend.api.running import process, stores_of
from tests.browser.person import KEY, PASSWORD, Person
from tests.simulators.provider import Provider
from tests.simulators.telegram import TelegramSimulator

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
# Root, as in a container, has no use for Chromium's own sandbox.
FLAGS = ["--no-sandbox"] if os.geteuid() == 0 else []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not CHROMIUM:
        for item in items:
            if "tests/browser" in item.path.as_posix():
                item.add_marker(pytest.mark.skip("no chromium here (Debian: apt-get install chromium)"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not CHROMIUM:
        terminalreporter.write_line("The console was not tried in a browser: no chromium here.")


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[Provider]:
    async with Provider(key="sk-right") as model:
        yield model


@pytest.fixture(scope="module")
async def telegram() -> AsyncIterator[TelegramSimulator]:
    async with TelegramSimulator() as telegram:
        yield telegram


@pytest.fixture(scope="module")
async def backend_at(
    settings: Settings, telegram: TelegramSimulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The address of a backend that nobody has set up yet."""
    secrets = {"CONSOLE_PASSWORD": PASSWORD, "SECRET_KEY": KEY, "TELEGRAM_API_URL": telegram.url}
    output: Path = tmp_path_factory.mktemp("browser") / "output"
    async with process(output, stores_of(settings) | secrets) as address:
        yield address


@pytest.fixture
async def person(chromium: Browser, backend_at: str, db: Database) -> AsyncIterator[Person]:
    """At a desk, in English; at the end it is looked at what the pages have done."""
    async with Person.at(chromium, backend_at) as person:
        yield person
        person.check()
