"""Workers are killed at every boundary of a run, and whoever answers does it twice, at once, or too late."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from backend.database import Database
from backend.local import Child, Program
from tests.faults.errands import SCENES, STEPS, Errands
from tests.faults.house import House
from tests.faults.killer import Killer
from tests.faults.people import Person
from tests.processes import WorkerProcess, in_time, until, unused_port

pytestmark = pytest.mark.usefixtures("no_worker")


@pytest.fixture(scope="module")
async def diary(opened: House, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, str]]:
    """A server of others that keeps a diary: the file, and MCP_SERVERS."""
    home, port = tmp_path_factory.mktemp("diary"), unused_port()
    command = (sys.executable, "-m", "tests.simulators.mcp_server", "--port", str(port))

    def is_ready() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    server = Child(Program("diary", command, {"DIARY": str(home / "diary")}, ready=is_ready), home)
    await asyncio.to_thread(server.start)
    (home / "diary").touch()
    yield home / "diary", orjson.dumps({"diary": {"url": f"http://127.0.0.1:{port}/mcp"}}).decode()
    server.kill()


@pytest.fixture(scope="module")
async def killer(opened: House) -> AsyncIterator[Killer]:
    async with Killer(opened.stores.database_url) as killer:
        yield killer


@pytest.fixture(scope="module")
async def workers(
    opened: House, killer: Killer, diary: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[WorkerProcess]]:
    """Two of them, behind the killer."""
    told = {"DATABASE_URL": killer.url, "MCP_SERVERS": diary[1], "RAG_ENABLED": "false", "AUTONOMOUS_MODE": "true"}
    told |= {"QUALITY_THRESHOLD": "0", "WORKSPACES": str(tmp_path_factory.mktemp("workspaces"))}
    workers = [WorkerProcess(opened.environment | told, tmp_path_factory.mktemp("worker")) for _ in range(2)]
    for worker in workers:
        await worker.revive()
    yield workers
    for worker in workers:
        await worker.kill()


@pytest.fixture
async def errands(house: House, workers: list[WorkerProcess], diary: tuple[Path, str]) -> AsyncIterator[Errands]:
    house.provider.rule = SCENES
    for worker in workers:
        await worker.revive()
    async with Database(house.stores.database_url) as db:
        yield Errands(db, workers[0], diary[0])


# Planning is claimed and recorded; each step is claimed and thought about, claimed, started, finished, and answered.
OF_PLAN, OF_STEP = 2, 6
COMMITS = OF_PLAN + STEPS * OF_STEP


async def test_a_run_has_as_many_boundaries_as_are_tried(errands: Errands, anna: Person, killer: Killer) -> None:
    killer.arm(0, after=False)
    run = await errands.begin(anna, allowed=True)
    await until(lambda: errands.is_over(run))
    assert await errands.is_true(run, anna) == {"done": STEPS}
    assert killer.commits == COMMITS


# Of the second step: a claim, the start of its call before it is done, and its end after it was.
OFTEN = {(OF_PLAN + OF_STEP + 1, False), (OF_PLAN + OF_STEP + 4, True), (OF_PLAN + OF_STEP + 5, False)}
BOUNDARIES = [
    pytest.param(nth, after, marks=() if (nth, after) in OFTEN else pytest.mark.storm)
    for nth in range(1, COMMITS + 1)
    for after in (False, True)
]


@pytest.mark.parametrize(("nth", "after"), BOUNDARIES)
async def test_a_worker_is_killed_at_any_boundary(
    errands: Errands, house: House, anna: Person, killer: Killer, nth: int, after: bool
) -> None:
    """What may have happened is asked about, and the person does not want it again."""
    killer.arm(nth, after=after)
    run = await errands.begin(anna, allowed=True)
    await in_time(killer.hit.wait())
    await errands.let_leases_end(run)
    while not await errands.is_over(run):
        for asked in await errands.asked(run):
            assert asked["kind"] == "repeat"
            await anna.answers(house.second, asked["id"], "cancel")
        await asyncio.sleep(0.05)
    ends = await errands.is_true(run, anna)
    # Only between the start of a call and its end nobody knows what has become of it.
    unknown = ((nth - OF_PLAN) % OF_STEP, after) in ((4, True), (5, False))
    assert ends == ({"done": STEPS - 1, "uncertain": 1} if unknown else {"done": STEPS})
