"""Workers are killed at every boundary of a run, and whoever answers does it twice, at once, or too late."""

import asyncio
from datetime import timedelta

import pytest

from backend.jobs import Job
from tests.faults.errands import COMMITS, OF_PLAN, OF_STEP, STEPS, Errands
from tests.faults.house import House
from tests.faults.killer import Killer
from tests.faults.people import Person
from tests.processes import BackendProcess, WorkerProcess, in_time, until

pytestmark = pytest.mark.usefixtures("no_worker")


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
    unknown = nth > OF_PLAN and ((nth - OF_PLAN) % OF_STEP, after) in ((4, True), (5, False))
    assert ends == ({"done": STEPS - 1, "uncertain": 1} if unknown else {"done": STEPS})


async def test_all_workers_are_killed_amid_a_call_and_come_back(
    errands: Errands, house: House, anna: Person, killer: Killer, workers: list[WorkerProcess]
) -> None:
    killer.arm(OF_PLAN + 4, after=True)
    run = await errands.begin(anna, allowed=True)
    await in_time(killer.hit.wait())
    for worker in workers:
        await worker.kill()
    await errands.let_leases_end(run)
    for worker in workers:
        await worker.revive()
    asked = await errands.is_asked(run)
    assert (await anna.answers(house.first, asked["id"], "confirm")).status == 200
    await until(lambda: errands.is_over(run))
    assert await errands.is_true(run, anna) == {"done": STEPS}


async def test_a_double_tap_does_everything_once(errands: Errands, house: House, anna: Person, killer: Killer) -> None:
    killer.arm(0, after=False)
    run = await errands.begin(anna, allowed=False)
    for _ in range(STEPS):
        id = (await errands.is_asked(run))["id"]
        taps = await asyncio.gather(
            *(anna.answers(tapped, id, "confirm") for tapped in (house.first, house.second) * 2)
        )
        assert sorted(tap.status for tap in taps) == [200, 409, 409, 409]
        assert {tap.body["state"] for tap in taps} == {"confirmed"}
    await until(lambda: errands.is_over(run))
    assert await errands.is_true(run, anna) == {"done": STEPS}


@pytest.mark.parametrize("attempt", range(3))
async def test_of_confirming_and_cancelling_at_once_one_happens(
    errands: Errands, house: House, killer: Killer, attempt: int
) -> None:
    killer.arm(0, after=False)
    anna = house.somebody()
    run = await errands.begin(anna, allowed=False)
    id = (await errands.is_asked(run))["id"]
    confirmed, cancelled = await asyncio.gather(
        anna.answers(house.first, id, "confirm"), anna.answers(house.second, id, "cancel")
    )
    assert sorted((confirmed.status, cancelled.status)) == [200, 409]
    if confirmed.status == 200:
        id = (await errands.is_asked(run))["id"]
        assert (await anna.answers(house.first, id, "cancel")).status == 200
    await until(lambda: errands.is_over(run))
    ends = await errands.is_true(run, anna)
    assert ends == ({"done": 1, "cancelled": 1} if confirmed.status == 200 else {"cancelled": 1})
    assert await errands.status(run) == "cancelled"


@pytest.mark.parametrize("milliseconds", [0, 15, 40])
async def test_a_tap_while_the_question_expires_finds_one_end(
    errands: Errands, house: House, anna: Person, killer: Killer, milliseconds: int
) -> None:
    killer.arm(0, after=False)
    run = await errands.begin(anna, allowed=False)
    id = (await errands.is_asked(run))["id"]
    left = timedelta(milliseconds=milliseconds)
    await errands.db.run("update confirmations set expires_at = now() + $2 where id = $1", id, left)
    await errands.worker.ring(Job.SWEEP)
    tap = await anna.answers(house.first, id, "confirm")
    if tap.status == 200:
        await anna.answers(house.first, (await errands.is_asked(run))["id"], "cancel")
    else:
        assert (tap.status, tap.body["state"]) == (409, "expired")
        await errands.worker.ring(Job.SWEEP)
    await until(lambda: errands.is_over(run))
    ends = await errands.is_true(run, anna)
    assert ends == ({"done": 1, "cancelled": 1} if tap.status == 200 else {"expired": 1})


async def test_everything_is_restarted_while_a_person_thinks(
    errands: Errands, house: House, anna: Person, killer: Killer, workers: list[WorkerProcess]
) -> None:
    killer.arm(0, after=False)
    run = await errands.begin(anna, allowed=False)
    id = (await errands.is_asked(run))["id"]
    everybody: list[BackendProcess | WorkerProcess] = [house.first, house.second, *workers]
    for process in everybody:
        await process.kill()
    async with house.postgres_away(), house.broker_away():
        pass
    for process in everybody:
        await process.revive()
    assert (await errands.is_asked(run))["id"] == id
    for _ in range(STEPS):
        assert (await anna.answers(house.first, (await errands.is_asked(run))["id"], "confirm")).status == 200
    await until(lambda: errands.is_over(run))
    assert await errands.is_true(run, anna) == {"done": STEPS}
