"""The browser's own worker, as it is started: pages live in it from one move to the next, and die with it."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import pytest

from backend.agents.ordering import as_row
from backend.agents.types import Ordered
from backend.database import Database
from backend.jobs import Job
from backend.local import Child, Program
from tests.backend.agents.skills.browsing import FOUND
from tests.faults.errands import BEGIN, LIMITS
from tests.faults.house import House
from tests.faults.people import Person
from tests.processes import until
from tests.simulators.provider_behaviours import Behaviour
from tests.simulators.provider_scenes import Scene, Seen, plays
from tests.simulators.provider_tools import CallsTool
from tests.simulators.website import Website

pytestmark = [
    pytest.mark.usefixtures("no_worker"),
    pytest.mark.skipif(bool(FOUND.missing()), reason=f"no browser here: {FOUND.missing()}"),
]

COMMAND = "-m celery -A backend.worker.app worker --without-gossip --without-mingle --queues browser --concurrency 1"
AGENT = """
insert into agents (slug, name, description, instructions, skills, queue)
values ('surfer', 'Surfer', 'Surfs.', 'You surf.', '{browser}', 'browser') on conflict do nothing
"""
ASKED = "select id from confirmations where run_id = $1 and state = 'waiting'"


@dataclass(frozen=True, slots=True)
class Surfing:
    """A run that fills in a form on the site, by a worker that only browses; `home` is where its browsers write."""

    house: House
    db: Database
    site: Website
    worker: Child
    home: Path

    async def begin(self, person: Person) -> UUID:
        await self.db.run(AGENT)
        step = {"id": str(uuid4()), "kind": "act", "agent": "surfer", "action": "Order", "queue": "browser"}
        request = f"Order black tea for Anna at {self.site.url}/form"
        ordered = Ordered("agent", "surfer", "Order", request, LIMITS, [step | {"depends_on": ()}])
        await self.db.run(BEGIN, person.name, as_row(ordered) | {"id": str(ordered.id)})
        await self.house.worker.ring(Job.ADVANCE, UUID(str(step["id"])), queue="browser")
        return ordered.id

    async def confirm(self, run: UUID, person: Person) -> None:
        """The question, once there is one."""
        [question] = await until(lambda: self.db.run(ASKED, run))
        url = f"{self.house.first.url}/v1/confirmations/{question['id']}/confirm"
        async with self.house.http.post(url, json={"user_id": person.name}) as response:
            assert response.status == 200, await response.text()

    async def said(self, run: UUID) -> str:
        """The run's last words, once they are there."""
        [last] = await until(lambda: self.db.run("select content from messages where run_id = $1", run))
        return str(last["content"])

    async def has_closed(self) -> bool:
        """Whether no browser of the worker's is there."""

        def look() -> bool:
            lines = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline"))
            return not any(f"--user-data-dir={self.home}".encode() in line for line in lines)

        return await asyncio.to_thread(look)


@pytest.fixture
def home() -> Iterator[Path]:
    """Chromium keeps a socket there, whose path may have a hundred letters at most; dying, it may still write."""
    with TemporaryDirectory(prefix="surfing-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
async def surfing(house: House, home: Path, tmp_path: Path) -> AsyncIterator[Surfing]:
    async with Website() as site, Database(house.stores.database_url) as db:
        told = {"AUTONOMOUS_MODE": "true", "QUALITY_THRESHOLD": "0", "RAG_ENABLED": "false", "TMPDIR": str(home)}
        told |= {"WEB_PRIVATE_HOSTS": site.host, "WORKSPACES": str(tmp_path / "workspaces")}
        argv = (sys.executable, *COMMAND.split())
        worker = Child(Program("browser", argv, house.environment | told), house.logs)
        await asyncio.to_thread(worker.spawn)
        house.provider.rule = plays(Scene("order", *form(site), again, *form(site)[1:], tells))
        yield Surfing(house, db, site, worker, home)
        await asyncio.to_thread(worker.kill)
        house.provider.rule = lambda body: None


def form(site: Website) -> list[Behaviour | Callable[[Seen], Behaviour]]:
    """What is done to fill it in."""
    return [
        CallsTool("browser_open", {"address": f"{site.url}/form"}),
        lambda seen: CallsTool("browser_type", {"element": number(seen, "Name"), "text": "Anna"}),
        lambda seen: CallsTool("browser_type", {"element": number(seen, "Kind"), "text": "black"}),
        lambda seen: CallsTool("browser_click", {"element": number(seen, "Order now")}),
    ]


def number(seen: Seen, element: str) -> int:
    """Of the element on the page that was brought last."""
    pages = [message["content"] for message in seen.messages if message["role"] == "tool"]
    return int(next(found for page in reversed(pages) for found in re.findall(rf"\[(\d+)\][^\n]*{element}", page)))


def again(seen: Seen) -> str | Behaviour:
    """Only if the page was gone."""
    if "open it anew" not in seen.brought[0]:
        return tells(seen)
    address = re.findall(r"http://127\.0\.0\.1:\d+/form", str(seen.messages))[0]
    return CallsTool("browser_open", {"address": address})


def tells(seen: Seen) -> str:
    return f"It says: {re.findall('order [0-9]+', seen.brought[0])}"


async def test_a_page_waits_in_its_worker_for_the_person_and_dies_with_it(house: House, surfing: Surfing) -> None:
    anna, boris = house.somebody(), house.somebody()
    run = await surfing.begin(anna)
    await surfing.confirm(run, anna)
    assert await surfing.said(run) == "It says: ['order 4711']"
    await until(surfing.has_closed)

    run = await surfing.begin(boris)
    await until(lambda: surfing.db.run(ASKED, run))
    assert not await surfing.has_closed()
    await asyncio.to_thread(surfing.worker.kill)
    await until(surfing.has_closed)
    await asyncio.to_thread(surfing.worker.spawn)
    await surfing.confirm(run, boris)
    await surfing.confirm(run, boris)  # of the page that was opened anew
    assert await surfing.said(run) == "It says: ['order 4711']"
    assert [asked for asked in surfing.site.asked if asked.startswith("POST")] == ["POST /ordered"] * 2
