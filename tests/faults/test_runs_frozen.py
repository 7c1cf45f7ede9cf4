"""Workers that stand still for longer than their lease lasts, and go on as if nothing had happened."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.faults.errands import OF_PLAN, STEPS, Errands, environment_of
from tests.faults.house import House
from tests.faults.killer import Killer
from tests.faults.people import Person
from tests.processes import WorkerProcess, in_time, until

pytestmark = pytest.mark.usefixtures("no_worker")

# After these commits of the first step: it was claimed, its calls are known, they are claimed, one is started, or done.
CLAIMED, THOUGHT, CLAIMED_AGAIN, STARTED, FINISHED = range(OF_PLAN + 1, OF_PLAN + 6)


@pytest.fixture(scope="module")
async def workers(
    opened: House, killer: Killer, diary: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[WorkerProcess]]:
    """One that lets others have what it has not looked after for two seconds."""
    told = opened.environment | environment_of(killer, diary[1], tmp_path_factory.mktemp("workspaces"))
    worker = WorkerProcess(told, tmp_path_factory.mktemp("hasty"), app="tests.faults.hasty")
    yield [worker]
    await worker.kill()


async def frozen_after(nth: int, errands: Errands, anna: Person, killer: Killer) -> UUID:
    killer.arm(nth, after=True, signal=signal.SIGSTOP)
    run = await errands.begin(anna, allowed=True)
    await in_time(killer.hit.wait())
    return run


async def go_on(errands: Errands, killer: Killer) -> None:
    """Whoever was frozen comes to the end of what it wanted to do."""

    async def is_idle() -> bool:
        return not await errands.worker.is_busy()

    killer.let_go()
    await until(is_idle)


@pytest.mark.parametrize("confirmed", [True, False])
async def test_what_was_started_by_a_frozen_worker_is_not_done_by_it_after_its_time(
    errands: Errands, house: House, anna: Person, killer: Killer, confirmed: bool
) -> None:
    run = await frozen_after(STARTED, errands, anna, killer)
    asked = await errands.is_asked(run)
    assert asked["kind"] == "repeat"
    await anna.answers(house.first, asked["id"], "confirm" if confirmed else "cancel")
    await until(lambda: errands.is_over(run))
    await go_on(errands, killer)
    ends = await errands.is_true(run, anna)
    assert ends == ({"done": STEPS} if confirmed else {"done": STEPS - 1, "uncertain": 1})
    assert errands.written(anna)[f"{anna.name} 1"] == confirmed


@pytest.mark.parametrize(
    "nth",
    [
        FINISHED,
        *(pytest.param(nth, marks=pytest.mark.storm) for nth in (CLAIMED, THOUGHT, CLAIMED_AGAIN)),
    ],
)
async def test_a_frozen_worker_records_nothing_after_its_time(
    errands: Errands, anna: Person, killer: Killer, nth: int
) -> None:
    run = await frozen_after(nth, errands, anna, killer)
    await until(lambda: errands.is_over(run))
    before = await errands.rows(run)
    await go_on(errands, killer)
    assert await errands.is_true(run, anna) == {"done": STEPS}
    assert await errands.rows(run) == before
