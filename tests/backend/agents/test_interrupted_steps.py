"""Workers that die, or come too late, amid a step: nothing with an effect happens twice without asking."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import pytest

from backend.agents import claims
from backend.agents.skills.skill import Context, Result
from tests.backend.agents.bench import Bench, Text, look, step, write
from tests.processes import until
from tests.simulators.provider import Provider
from tests.simulators.provider_scenes import Scene, Seen, plays


def tells(seen: Seen) -> str:
    return f"Told: {'; '.join(seen.brought)}"


class Gate:
    """A skill's work that begins and, until it is let through, does not end."""

    def __init__(self) -> None:
        self.begun, self.open = asyncio.Event(), asyncio.Event()

    async def pass_through(self, params: Text, context: Context) -> Result:
        self.begun.set()
        await self.open.wait()
        return Result(f"wrote {params.text}")


@asynccontextmanager
async def amid(bench: Bench, run: UUID) -> AsyncIterator[tuple[asyncio.Task[None], Gate]]:
    """A worker that has begun to write, and is held up at it."""
    gate, carry_out = Gate(), bench.desk.write.run

    async def held_up(params: Text, context: Context) -> Result:
        await carry_out(params, context)
        return await gate.pass_through(params, context)

    bench.desk.write.run = held_up  # type: ignore[method-assign]
    bench.jobs.advanced.clear()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bench.workshop().advance((await bench.step(run))["id"]))
        await gate.begun.wait()
        bench.desk.write.run = carry_out  # type: ignore[method-assign]
        yield task, gate


@pytest.fixture
async def confirmed(bench: Bench, provider: Provider) -> UUID:
    """A run that may write, and has not yet."""
    provider.rule = plays(Scene("note", write("milk"), tells), Scene("look", look("sky"), tells))
    run = await bench.begin(step("Note milk"))
    await bench.work()
    await bench.backend.agents.confirm(await bench.asked(run), "anna")
    return run


async def kill_amid(bench: Bench, run: UUID) -> None:
    async with amid(bench, run) as (task, _):
        task.cancel()
    await bench.let_leases_end()


async def sweep(bench: Bench) -> None:
    await bench.backend.agents.sweep()
    await bench.work()


async def test_what_may_have_happened_is_asked_about_and_repeated_if_the_person_says_so(
    bench: Bench, confirmed: UUID
) -> None:
    await kill_amid(bench, confirmed)
    await sweep(bench)
    assert bench.desk.write.lines == ["milk"]
    assert await bench.statuses(confirmed) == ["waiting", "waiting"]
    id = await bench.asked(confirmed)
    assert (await bench.backend.agents.confirmation(id))["kind"] == "repeat"
    await bench.backend.agents.confirm(id, "anna")
    await bench.work()
    assert bench.desk.write.lines == ["milk", "milk"]
    assert await bench.said(confirmed) == "Told: wrote milk"
    assert await bench.calls(confirmed) == [("write", "confirmed", "done")]


async def test_what_is_not_to_be_repeated_stays_uncertain_and_all_are_told(bench: Bench, confirmed: UUID) -> None:
    await kill_amid(bench, confirmed)
    await sweep(bench)
    await bench.backend.agents.cancel_confirmation(await bench.asked(confirmed), "anna")
    await bench.work()
    assert bench.desk.write.lines == ["milk"]
    assert await bench.calls(confirmed) == [("write", "cancelled", "uncertain")]
    said = await bench.said(confirmed)
    assert "may have happened or not. It was not repeated" in said
    assert said.endswith("this may have happened or not; it was not repeated:\n– Write milk")


async def test_what_would_do_something_else_by_now_is_not_repeated(bench: Bench, confirmed: UUID) -> None:
    await kill_amid(bench, confirmed)
    await sweep(bench)
    bench.desk.write.version = "1"
    await bench.backend.agents.confirm(await bench.asked(confirmed), "anna")
    await bench.work()
    assert bench.desk.write.lines == ["milk"]
    assert await bench.calls(confirmed) == [("write", "confirmed", "uncertain")]
    assert (await bench.said(confirmed)).endswith("may have happened or not; it was not repeated:\n– Write milk")


async def test_what_was_interrupted_twice_is_not_asked_about_again(bench: Bench, confirmed: UUID) -> None:
    await kill_amid(bench, confirmed)
    await sweep(bench)
    await bench.backend.agents.confirm(await bench.asked(confirmed), "anna")
    await kill_amid(bench, confirmed)
    await sweep(bench)
    assert bench.desk.write.lines == ["milk", "milk"]
    assert await bench.calls(confirmed) == [("write", "confirmed", "uncertain")]
    assert "– Write milk" in await bench.said(confirmed)


async def test_what_has_no_effect_is_simply_done_again(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("look", look("sky"), tells))
    bench.desk.look.fails = asyncio.CancelledError()
    run = await bench.begin(step("Look at the sky"))
    bench.jobs.advanced *= 2
    with suppress(asyncio.CancelledError):
        await bench.work()
    bench.desk.look.fails = None
    await bench.let_leases_end()
    await sweep(bench)
    assert bench.desk.look.lines == ["sky", "sky"]
    assert await bench.calls(run) == [("look", "safe", "done")]
    assert (await bench.statuses(run))[-1] == "completed"


async def test_a_worker_that_comes_too_late_records_nothing(bench: Bench, confirmed: UUID) -> None:
    async with amid(bench, confirmed) as (late, gate):
        await bench.let_leases_end()
        await sweep(bench)
        id = await bench.asked(confirmed)
        gate.open.set()
        await late
        assert await bench.asked(confirmed) == id
        assert await bench.calls(confirmed) == [("write", "confirmed", "uncertain")]
    await bench.backend.agents.cancel_confirmation(id, "anna")
    await bench.work()
    assert bench.desk.write.lines == ["milk"]


async def test_what_was_under_way_when_a_run_was_stopped_is_told_and_its_end_still_noted(
    bench: Bench, confirmed: UUID
) -> None:
    async with amid(bench, confirmed) as (late, gate):
        assert await bench.backend.agents.stop("default", "anna", "anna", "") == 1
        assert await bench.calls(confirmed) == [("write", "confirmed", "uncertain")]
        gate.open.set()
        await late
    assert await bench.calls(confirmed) == [("write", "confirmed", "done")]
    assert await bench.statuses(confirmed) == ["cancelled", "cancelled"]
    said = await bench.said(confirmed)
    assert said.startswith("Stopped.")
    assert "this may have happened or not" in said


async def test_stopping_a_run_that_waits_ends_its_question(bench: Bench, confirmed: UUID, provider: Provider) -> None:
    run = await bench.begin(step("Note milk"))
    bench.jobs.advanced[:] = bench.jobs.advanced[-1:]
    await bench.work()
    id = await bench.asked(run)
    [card] = await bench.db.run("select id, changed from deliveries where confirmation_id = $1", id)
    await bench.backend.agents.cancel(run, "anna")
    [row] = await bench.db.run("select state, answered_via from confirmations where id = $1", id)
    assert tuple(row) == ("cancelled", "run")
    [after] = await bench.db.run("select changed from deliveries where id = $1", card["id"])
    assert after["changed"] > card["changed"]


async def test_a_step_that_kills_its_workers_is_given_up(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("look", look("sky"), tells))
    run = await bench.begin(step("Look at the sky"), step("Look again", 1))
    bench.desk.look.fails = asyncio.CancelledError()
    for _ in range(7):
        with suppress(asyncio.CancelledError):
            await bench.work()
        await bench.let_leases_end()
        await bench.backend.agents.sweep()
    await bench.work()
    assert await bench.statuses(run) == ["failed", "skipped", "failed"]
    assert "it was interrupted again and again" in await bench.said(run)


async def test_a_lost_ring_is_found_by_the_sweep(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("look", look("sky"), tells))
    run = await bench.begin(step("Look at the sky"))
    while (await bench.statuses(run))[-1] not in ("completed",):
        bench.jobs.advanced.clear()
        await bench.backend.agents.sweep()
        assert bench.jobs.advanced == []
        await bench.let_leases_end()
        await bench.backend.agents.sweep()
        [(_, id)] = bench.jobs.advanced
        await bench.workshop().advance(id)
    assert bench.desk.look.lines == ["sky"]


async def test_a_worker_begins_nothing_once_its_time_is_over(
    bench: Bench, confirmed: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LEASE_SECONDS", 0.0)
    await bench.work()
    assert bench.desk.write.lines == []
    monkeypatch.undo()
    await bench.let_leases_end()
    await sweep(bench)
    assert bench.desk.write.lines == ["milk"]
    assert await bench.calls(confirmed) == [("write", "confirmed", "done")]


async def test_skills_keep_what_they_have_for_a_step_until_it_is_over(bench: Bench, confirmed: UUID) -> None:
    assert bench.desk.left == []
    await bench.work()
    assert bench.desk.left == [(await bench.step(confirmed))["id"]]


async def test_what_an_operator_stopped_in_the_database_is_ended_once_by_however_many(
    bench: Bench, confirmed: UUID
) -> None:
    await bench.db.run("update agent_runs set status = 'cancelled' where id = $1", confirmed)
    holding = await bench.db.connect()
    try:
        async with asyncio.TaskGroup() as group, holding.transaction():
            await holding.fetch("select from chat_sessions for update")
            for _ in range(2):
                group.create_task(bench.backend.agents.sweep())
            await until(lambda: waiting_for_locks(bench, 2))
    finally:
        await holding.close()
    assert (await bench.said(confirmed)).startswith("Stopped.")


async def waiting_for_locks(bench: Bench, number: int) -> bool:
    return len(await bench.db.run("select from pg_stat_activity where wait_event_type = 'Lock'")) == number
