"""What follows when a step fails, is skipped or stopped: one new plan, and an honest report."""

import pytest

from backend.agents import RunNotFound, RunOver, StepNotFound, StepOver
from backend.agents.skills.skill import Failed
from tests.backend.agents.bench import Bench, look, step, write
from tests.simulators.provider import Fails, Provider
from tests.simulators.provider_scenes import PLANNER, Scene, Seen, plays


def plan(*steps: str) -> str:
    return '{"steps": [' + ", ".join(steps) + "]}"


def planned(action: str, *depends_on: int, agent: str = "clerk") -> str:
    return f'{{"agent": "{agent}", "action": "{action}", "depends_on": [{", ".join(map(str, depends_on))}]}}'


FIRST = plan(planned("Find apples"), planned("Find pears", agent="trapper"), planned("Bake", 1, 2), planned("Eat", 3))


async def test_after_a_failed_step_there_is_one_new_plan(bench: Bench, provider: Provider) -> None:
    def again(seen: Seen) -> str:
        return plan(planned("Buy pears"), planned("Cook all", 1)) if "failed" in str(seen.messages) else FIRST

    provider.rule = plays(
        Scene("what is to be done", again, by=PLANNER),
        Scene("find apples", "Apples."), Scene("buy pears", "Pears."),
        Scene("cook all", lambda seen: f"Compote of {'pears' if 'Pears.' in str(seen.messages) else 'nothing'}"),
    )  # fmt: skip
    run = await bench.begin(step("Plan", kind="plan"), kind="dynamic")
    await bench.work()
    assert await bench.statuses(run) == [
        "completed", "completed", "replaced", "replaced", "replaced", "completed", "completed", "completed",
        "completed",
    ]  # fmt: skip
    assert await bench.said(run) == "Compote of pears"


async def test_what_fails_again_is_reported_with_what_needs_it(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(
        Scene("what is to be done", FIRST, by=PLANNER),
        Scene("find apples", "Apples."),
    )  # fmt: skip
    run = await bench.begin(step("Plan", kind="plan"), kind="dynamic", language="ru")
    await bench.work()
    assert (await bench.statuses(run))[-5:] == ["completed", "failed", "skipped", "skipped", "failed"]
    assert await bench.said(run) == (
        "Apples.\n\nНе сделано:\n– Find pears: не получилось\n– Bake: пропущено\n– Eat: пропущено"
    )


async def test_a_plan_that_cannot_be_used_ends_the_run(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("what is to be done", "Let us begin!", by=PLANNER))
    run = await bench.begin(step("Plan", kind="plan"), kind="dynamic")
    await bench.work()
    assert (await bench.step(run))["problem"] == "plan-unusable"
    assert (await bench.backend.agents.run(run))["model_calls"] >= 1
    assert "no usable plan was found" in await bench.said(run)


async def test_other_runs_are_not_planned_anew(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("bake", "Cake."))
    run = await bench.begin(step("Find apples", agent="trapper"), step("Bake"), step("Eat\nwhat was given: cake", 1))
    await bench.work()
    assert await bench.statuses(run) == ["failed", "completed", "skipped", "failed"]
    assert await bench.said(run) == "Cake.\n\nNot done:\n– Find apples: it failed\n– Eat: skipped"


async def test_what_a_failed_step_has_done_is_told(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("note", write("milk")))
    run = await bench.begin(step("Note milk"), max_model_calls=1)
    await bench.work()
    await bench.backend.agents.confirm(await bench.asked(run), "anna")
    await bench.work()
    assert (
        await bench.said(run)
        == "Not done:\n– Note milk: the limit of this run was reached\n\nDone all the same:\n– Write milk"
    )


async def test_a_person_may_skip_a_step_and_what_needs_it(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("note", write("milk")), Scene("look", look("sky"), "Blue."))
    run = await bench.begin(step("Note milk"), step("Look"), step("Read the note", 1))
    await bench.work()
    agents = bench.backend.agents
    with pytest.raises(RunNotFound):
        await agents.skip(run, 1, "bert")
    with pytest.raises(StepNotFound):
        await agents.skip(run, 9, "anna")
    shown = await agents.skip(run, 1, "anna")
    assert await bench.statuses(run) == ["skipped", "completed", "skipped", "completed"]
    assert [row["state"] for row in shown["confirmations"]] == ["cancelled"]
    with pytest.raises(StepOver):
        await agents.skip(run, 1, "anna")
    with pytest.raises(RunOver) as over:
        await agents.cancel(run, None)
    assert over.value.members == {"state": "completed"}


async def test_files_are_handed_out_before_the_last_words(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("look", look("sky"), "Blue."))
    run = await bench.begin(step("Look"))
    await bench.work()
    deliveries = await bench.db.run("select kind, file_id, run_id, turn_id, content from deliveries order by id")
    assert [row["kind"] for row in deliveries] == ["file", "answer"]
    file = await bench.backend.agents.file(run, deliveries[0]["file_id"])
    assert (file["name"], file["content"]) == ("view.png", b"png")
    assert (deliveries[1]["run_id"], deliveries[1]["content"]) == (run, None)


async def test_a_run_that_nobody_waits_for_delivers_nothing(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("note", write("milk"), "Noted."), Scene("look", look("sky"), "Blue."))
    run = await bench.begin(step("Look"), step("Note milk"), delivers=False)
    await bench.work()
    await bench.backend.agents.confirm(await bench.asked(run), "anna")
    await bench.work()
    assert await bench.db.run("select from deliveries") == []
    assert await bench.said(run) == "Blue.\n\nNoted."


async def test_the_last_words_are_a_message_that_memory_finds(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("look", "The key is under the stone."))
    run = await bench.begin(step("Look"))
    [before] = await bench.db.run("select last_position, messages_since_summary from chat_sessions")
    await bench.work()
    [after] = await bench.db.run("select last_position, messages_since_summary from chat_sessions")
    assert [after[name] - before[name] for name in ("last_position", "messages_since_summary")] == [1, 1]
    [promised] = await bench.db.run("select content from embeddings where session_id = $1", bench.session)
    assert promised["content"] == "The key is under the stone."
    [message] = await bench.db.run("select role, speaker, position from messages where run_id = $1", run)
    assert tuple(message) == ("assistant", "Assistant", after["last_position"])


async def test_what_an_operator_stops_in_the_database_ends_in_good_order(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("note", write("milk")))
    run = await bench.begin(step("Note milk"))
    await bench.work()
    id = await bench.asked(run)
    await bench.db.run("update agent_runs set status = 'cancelled' where id = $1", run)
    assert (await bench.backend.agents.confirmation(id))["state"] == "cancelled"
    await bench.backend.agents.sweep()
    assert await bench.statuses(run) == ["cancelled", "cancelled"]
    assert await bench.said(run) == "Stopped.\n\nNot done:\n– Note milk: cancelled"


async def test_a_skill_that_fails_is_no_failed_step(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("look", look("sky"), lambda seen: f"It said {seen.brought}"))
    for fails, told in ((Failed("no stars", "the sky"), "no stars"), (ValueError("secret"), "nobody expected")):
        bench.desk.look.fails = fails
        run = await bench.begin(step("Look"))
        await bench.work()
        assert told in await bench.said(run)
        assert "secret" not in await bench.said(run)


async def test_no_model_is_asked_while_it_waits(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("note", write("milk")))
    run = await bench.begin(step("Note milk"))
    await bench.work()
    provider.usual, asked = Fails(500), len(provider.calls)
    await bench.let_leases_end()
    await bench.backend.agents.sweep()
    assert bench.jobs.advanced == []
    await bench.workshop().advance((await bench.step(run))["id"])
    assert len(provider.calls) == asked
