"""Runs from their first step to their last words, by one worker to whom nothing happens."""

import asyncio

from backend.agents.insisting import insist
from backend.database import StorageUnavailable
from tests.backend.agents.bench import Bench, look, step, write
from tests.simulators.provider import Answer, Provider
from tests.simulators.provider_scenes import PLANNER, Scene, Seen, plays


async def test_an_answer_without_calls_is_the_runs_result(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("say hello", "Hello, Anna!"))
    run = await bench.begin(step("Say hello"))
    await bench.work()
    assert await bench.statuses(run) == ["completed", "completed"]
    assert await bench.said(run) == "Hello, Anna!"


async def test_what_a_safe_skill_brings_is_shown_to_the_model(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("garden", look("garden"), lambda seen: f"I looked: {seen.brought[0]}"))
    run = await bench.begin(step("Look at the garden"))
    await bench.work()
    assert bench.desk.look.lines == ["garden"]
    assert "saw garden" in await bench.said(run)
    assert await bench.calls(run) == [("look", "safe", "done")]


async def test_steps_see_the_results_of_those_they_depend_on(bench: Bench, provider: Provider) -> None:
    def sums_up(seen: Seen) -> str:
        shown = str(seen.messages)
        return " and ".join(word for word in ("apples", "pears", "plums") if word in shown)

    provider.rule = plays(
        Scene("first", "There are apples."), Scene("second", "There are pears."), Scene("third", "plums"),
        Scene("sum up", sums_up),
    )  # fmt: skip
    steps = step("Do the first"), step("Do the second"), step("Do the third"), step("Sum up", 1, 2)
    run = await bench.begin(*steps)
    await bench.work()
    assert await bench.said(run) == "plums\n\napples and pears"


async def test_a_plan_is_made_and_followed(bench: Bench, provider: Provider) -> None:
    plan = (
        '{"steps": [{"agent": "clerk", "action": "Find the number", "depends_on": []},'
        ' {"agent": "clerk", "action": "Say it", "depends_on": [1]}]}'
    )
    provider.rule = plays(
        Scene("what is to be done", plan, by=PLANNER), Scene("find the number", "It is 42."), Scene("say it", "42!")
    )
    run = await bench.begin(step("Find the answer to everything", kind="plan"), kind="dynamic")
    await bench.work()
    assert await bench.statuses(run) == ["completed", "completed", "completed", "completed"]
    assert await bench.said(run) == "42!"
    assert "Find the answer to everything" in str(provider.prompts[0])


async def test_an_action_waits_for_the_person_and_then_goes_on(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("note", write("milk"), lambda seen: f"Done: {seen.brought[0]}"))
    run = await bench.begin(step("Note milk"))
    await bench.work()
    assert await bench.statuses(run) == ["waiting", "waiting"]
    assert bench.desk.write.lines == []
    await bench.backend.agents.confirm(await bench.asked(run), "anna")
    await bench.work()
    assert bench.desk.write.lines == ["milk"]
    assert await bench.said(run) == "Done: wrote milk"
    assert await bench.statuses(run) == ["completed", "completed"]


async def test_steps_that_do_not_need_each_other_are_carried_out_together(bench: Bench, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.rule = plays(Scene("do the", Answer("Done.", gate=gate)))
    run = await bench.begin(step("Do the first"), step("Do the second"))
    async with asyncio.TaskGroup() as group:
        for _, id in bench.jobs.advanced:
            group.create_task(bench.workshop().advance(id))
        await provider.called(2)
        assert await bench.statuses(run) == ["running", "running", "running"]
        gate.set()
    assert await bench.statuses(run) == ["completed", "completed", "completed"]
    assert await bench.said(run) == "Done.\n\nDone."


async def test_a_step_that_is_rung_for_often_is_carried_out_once(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("garden", look("garden"), "Green."))
    run = await bench.begin(step("Look at the garden"))
    while bench.jobs.advanced:
        rung, bench.jobs.advanced[:] = bench.jobs.advanced * 4, []
        await asyncio.gather(*(bench.workshop().advance(id) for _, id in rung))
    assert bench.desk.look.lines == ["garden"]
    assert await bench.said(run) == "Green."


async def test_what_has_happened_is_recorded_when_postgres_is_back() -> None:
    tries = iter([StorageUnavailable(), StorageUnavailable()])

    async def record() -> str:
        for away in tries:
            raise away
        return "recorded"

    assert await insist(record) == "recorded"
