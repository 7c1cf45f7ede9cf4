"""How much a run may spend, and how long an agent goes on until its result is good."""

from typing import Any

import pytest

from tests.backend.agents.bench import Bench, look, step, write
from tests.simulators.provider import Fails, Provider
from tests.simulators.provider_scenes import JUDGE, Scene, Seen, plays
from tests.simulators.provider_tools import CallsTools, ToolUse


def rounds(seen: Seen) -> str:
    return f"Looked {seen.round - 1} times."


LIMITS: list[tuple[dict[str, int], str]] = [
    ({"max_model_calls": 2}, "limit-model-calls"),
    ({"max_tool_calls": 1}, "limit-tool-calls"),
    ({"max_tokens": 500}, "limit-tokens"),
    ({"max_minutes": 0}, "limit-minutes"),
]


@pytest.mark.parametrize(("limits", "problem"), LIMITS)
async def test_a_run_that_has_had_enough_fails_and_says_so(
    bench: Bench, provider: Provider, limits: Any, problem: str
) -> None:
    provider.rule = plays(Scene("look", look("one"), look("two"), look("three"), rounds))
    run = await bench.begin(step("Look around"), **limits)
    await bench.work()
    assert (await bench.step(run))["problem"] == problem
    assert await bench.statuses(run) == ["failed", "failed"]
    assert await bench.said(run) == "Not done:\n– Look around: the limit of this run was reached"


async def test_what_was_spent_is_counted_and_every_call_of_a_model_is_paid(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("look", look("one"), look("two"), rounds))
    run = await bench.begin(step("Look around"))
    await bench.work()
    spent = await bench.backend.agents.run(run)
    assert (spent["model_calls"], spent["tool_calls"], spent["tokens"]) == (3, 2, 3 * 440)
    assert (
        len(await bench.db.run("select from llm_calls where purpose = 'agent' and session_id = $1", bench.session)) == 3
    )


async def test_an_agent_that_is_not_autonomous_calls_skills_once(bench: Bench, provider: Provider) -> None:
    bench.rules["autonomous"] = False
    both = CallsTools(ToolUse("look", {"text": "one"}), ToolUse("look", {"text": "two"}))
    provider.rule = plays(Scene("look", both, look("three"), rounds))
    run = await bench.begin(step("Look around"))
    await bench.work()
    assert bench.desk.look.lines == ["one", "two"]
    assert "tools" not in provider.calls[-1].body
    assert (await bench.statuses(run))[-1] in ("completed", "failed")


async def test_an_autonomous_one_calls_them_so_often_and_no_more(bench: Bench, provider: Provider) -> None:
    bench.rules["iterations"] = 3
    provider.rule = plays(
        Scene("look", lambda seen: look(str(seen.round)) if seen.tools else rounds(seen))  # type: ignore[arg-type,return-value]
    )
    run = await bench.begin(step("Look around"))
    await bench.work()
    assert await bench.said(run) == "Looked 3 times."


def judged(*scores: float) -> Scene:
    said = [f'{{"score": {score}, "reason": "the price is missing"}}' for score in scores]
    return Scene("what is to be done", *said, by=JUDGE)


async def test_a_result_that_is_not_good_enough_gets_one_more_iteration(bench: Bench, provider: Provider) -> None:
    bench.rules["quality"] = 0.7
    provider.rule = plays(Scene("offer", look("goods"), "An offer.", look("prices"), "An offer for 5 €."), judged(0.3))
    run = await bench.begin(step("Make an offer"))
    await bench.work()
    assert await bench.said(run) == "An offer for 5 €."
    assert str(provider.prompts[-1]).count("the price is missing") == 1
    assert (await bench.backend.agents.run(run))["model_calls"] == 5


async def test_a_good_result_is_left_as_it_is(bench: Bench, provider: Provider) -> None:
    bench.rules["quality"] = 0.7
    provider.rule = plays(Scene("offer", "An offer for 5 €.", "Another one."), judged(0.9))
    run = await bench.begin(step("Think about it"), step("Make an offer", 1))
    await bench.work()
    assert await bench.said(run) == "An offer for 5 €."


async def test_without_a_model_a_step_waits_and_is_given_up_in_the_end(bench: Bench, provider: Provider) -> None:
    provider.usual = Fails(500)
    run = await bench.begin(step("Look around"))
    for _ in range(4):
        await bench.work()
        assert await bench.statuses(run) == ["running", "running"]
        await bench.let_leases_end()
        await bench.backend.agents.sweep()
    await bench.work()
    assert (await bench.step(run))["problem"] == "no-provider-answered"
    assert "no language model answered" in await bench.said(run)


async def test_a_step_that_waits_for_a_model_is_not_called_earlier_because_another_one_goes_on(
    bench: Bench, provider: Provider
) -> None:
    provider.usual = Fails(500)
    run = await bench.begin(step("Look around"), step("Look elsewhere"))
    await bench.work()
    provider.rule = plays(Scene("elsewhere", look("one"), rounds))
    for _ in range(2):
        bench.jobs.advanced.clear()
        await bench.workshop().advance((await bench.step(run, 2))["id"])
    assert bench.jobs.advanced == []
    assert await bench.statuses(run) == ["running", "completed", "running"]


async def test_a_run_waits_for_its_person_although_a_step_without_a_model_was_given_up(
    bench: Bench, provider: Provider
) -> None:
    provider.usual, provider.rule = Fails(500), plays(Scene("note", write("milk")))
    run = await bench.begin(step("Look around"), step("Note milk"))
    await bench.db.run("update run_steps set lost = 4 where action = 'Look around'")
    await bench.work()
    assert await bench.statuses(run) == ["failed", "waiting", "waiting"]


async def test_an_agent_that_is_not_there_any_more_is_not_replaced_by_another(bench: Bench) -> None:
    run = await bench.begin(step("Look around", agent="nobody"))
    await bench.work()
    assert (await bench.step(run))["problem"] == "agent-unknown"


async def test_a_bots_own_agent_hides_everybodys(bench: Bench, provider: Provider) -> None:
    await bench.db.run(
        "insert into agents (bot_id, slug, name, description, instructions) "
        "select id, 'clerk', 'Own', 'Own.', 'You are the only one.' from bots"
    )
    await bench.begin(step("Look around"))
    await bench.work()
    assert "You are the only one." in str(provider.prompts[-1])
