"""Questions before an action: answered once, by the person who was asked, and each answer has its effect at once."""

import asyncio
from uuid import UUID

import pytest
from pydantic import BaseModel

from backend.agents import ConfirmationNotFound, ConfirmationOver, NotYours, WantedConfirmations
from backend.agents.skills.skill import Failed, Preview, Uncertain
from tests.backend.agents.bench import Bench, look, step, write
from tests.conftest import MakeBackend
from tests.simulators.provider import Provider
from tests.simulators.provider_scenes import Scene, Seen, plays
from tests.simulators.provider_tools import CallsTool, CallsTools, ToolUse


def tells(seen: Seen) -> str:
    return f"Told: {'; '.join(seen.brought)}"


@pytest.fixture
async def waiting(bench: Bench, provider: Provider) -> UUID:
    """A run that wants to write something, and then look."""
    provider.rule = plays(Scene("note", write("milk"), tells), Scene("look", look("shop"), "Looked."))
    run = await bench.begin(step("Note milk"), step("Look at it", 1))
    await bench.work()
    return run


async def test_the_question_shows_what_will_run_and_is_delivered(bench: Bench, waiting: UUID) -> None:
    [asked] = (await bench.backend.agents.confirmations(WantedConfirmations("anna"), after=None, limit=9)).items
    assert (asked["title"], asked["detail"], asked["kind"], asked["state"]) == (
        "Write milk", "version 0", "action", "waiting",
    )  # fmt: skip
    deliveries = await bench.db.run("select kind, confirmation_id, reply_to, user_id from deliveries order by id")
    assert [tuple(row) for row in deliveries] == [("confirmation", asked["id"], "7", "anna")]


async def test_a_double_tap_runs_it_once(bench: Bench, waiting: UUID) -> None:
    agents, id = bench.backend.agents, await bench.asked(waiting)
    taps = await asyncio.gather(*(agents.confirm(id, "anna") for _ in range(4)), return_exceptions=True)
    assert sorted(type(tap).__name__ for tap in taps) == ["ConfirmationOver"] * 3 + ["Record"]
    bench.jobs.advanced *= 3
    await bench.work()
    assert bench.desk.write.lines == ["milk"]
    assert await bench.statuses(waiting) == ["completed", "completed", "completed"]


async def test_a_confirmed_step_does_not_ask_again(bench: Bench, waiting: UUID) -> None:
    await bench.backend.agents.confirm(await bench.asked(waiting), "anna")
    await bench.work()
    asked = (await bench.backend.agents.confirmations(WantedConfirmations(), after=None, limit=9)).items
    assert [row["state"] for row in asked] == ["confirmed"]


@pytest.mark.parametrize("attempt", range(3))
async def test_of_confirming_and_cancelling_at_once_exactly_one_happens(
    bench: Bench, waiting: UUID, make_backend: MakeBackend, attempt: int
) -> None:
    other, id = await make_backend(), await bench.asked(waiting)
    ends = await asyncio.gather(
        bench.backend.agents.confirm(id, "anna"),
        other.agents.cancel_confirmation(id, "anna"),
        return_exceptions=True,
    )
    assert [isinstance(end, ConfirmationOver) for end in ends].count(True) == 1
    await bench.work()
    confirmed = not isinstance(ends[0], BaseException)
    assert bench.desk.write.lines == (["milk"] if confirmed else [])
    assert (await bench.backend.agents.confirmation(id))["state"] == ("confirmed" if confirmed else "cancelled")
    assert (await bench.statuses(waiting))[-1] == ("completed" if confirmed else "cancelled")


async def test_what_was_cancelled_ends_its_step_and_what_needs_it(bench: Bench, waiting: UUID) -> None:
    await bench.backend.agents.cancel_confirmation(await bench.asked(waiting), "anna", via="button")
    await bench.work()
    assert await bench.statuses(waiting) == ["cancelled", "skipped", "cancelled"]
    assert await bench.calls(waiting) == [("write", "cancelled", "cancelled")]
    assert await bench.said(waiting) == "Stopped.\n\nNot done:\n– Note milk: cancelled\n– Look at it: skipped"


async def test_what_nobody_answers_expires_and_says_so(bench: Bench, waiting: UUID) -> None:
    id = await bench.asked(waiting)
    await bench.let_questions_end()
    assert (await bench.backend.agents.confirmation(id))["state"] == "expired"
    with pytest.raises(ConfirmationOver) as late:
        await bench.backend.agents.confirm(id, "anna")
    assert late.value.members == {"state": "expired"}
    await bench.backend.agents.sweep()
    assert await bench.statuses(waiting) == ["expired", "skipped", "expired"]
    assert "Note milk: nobody confirmed it in time" in await bench.said(waiting)


async def test_a_tap_while_it_expires_finds_one_end(bench: Bench, waiting: UUID) -> None:
    agents, id = bench.backend.agents, await bench.asked(waiting)
    await bench.let_questions_end()
    ends = await asyncio.gather(agents.sweep(), agents.confirm(id, "anna"), agents.sweep(), return_exceptions=True)
    assert [type(end).__name__ for end in ends] == ["NoneType", "ConfirmationOver", "NoneType"]
    await bench.work()
    assert bench.desk.write.lines == []
    assert len(await bench.db.run("select from messages where run_id = $1", waiting)) == 1


async def test_only_the_person_asked_or_an_operator_answers(bench: Bench, waiting: UUID) -> None:
    id = await bench.asked(waiting)
    with pytest.raises(NotYours):
        await bench.backend.agents.confirm(id, "bert")
    with pytest.raises(ConfirmationNotFound):
        await bench.backend.agents.confirm(id + 1, "anna")
    assert (await bench.backend.agents.confirm(id, None, via="console"))["answered_via"] == "console"


async def test_what_was_allowed_always_is_not_asked_about_until_it_is_revoked(
    bench: Bench, waiting: UUID, provider: Provider
) -> None:
    agents = bench.backend.agents
    await agents.confirm(await bench.asked(waiting), "anna", always=True)
    await bench.work()
    again = await bench.begin(step("Note milk"))
    await bench.work()
    assert await bench.calls(again) == [("write", "granted", "done")]
    [grant] = (await agents.grants("default", "anna", None, after=None, limit=9)).items
    assert grant["kind"] == "write"
    await agents.revoke(grant["id"], "anna")
    await bench.begin(step("Note milk"))
    await bench.work()
    assert bench.desk.write.lines == ["milk", "milk"]


async def test_nothing_is_called_allowed_that_is_asked_about_each_time(
    bench: Bench, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.desk.write, "grants", lambda params: None)
    provider.rule = plays(Scene("note", write("milk"), tells))
    run = await bench.begin(step("Note milk"))
    await bench.work()
    answered = await bench.backend.agents.confirm(await bench.asked(run), "anna", always=True)
    assert (answered["state"], answered["always"]) == ("confirmed", False)
    assert (await bench.backend.agents.grants(None, None, None, after=None, limit=9)).items == []


async def test_what_would_do_something_else_by_now_is_not_done(bench: Bench, waiting: UUID) -> None:
    bench.desk.write.version = "1"
    await bench.backend.agents.confirm(await bench.asked(waiting), "anna")
    await bench.work()
    assert bench.desk.write.lines == []
    assert await bench.calls(waiting) == [("write", "confirmed", "refused"), ("look", "safe", "done")]
    assert await bench.said(waiting) == "Looked.\n\nConfirmed, but it did not work:\n– Write milk"


async def test_what_is_safe_is_done_before_anybody_is_asked_and_one_thing_after_another(
    bench: Bench, provider: Provider
) -> None:
    wanted = (ToolUse("write", {"text": "one"}), ToolUse("write", {"text": "two"}), ToolUse("look", {"text": "sky"}))
    provider.rule = plays(Scene("note", CallsTools(*wanted), tells))
    run = await bench.begin(step("Note things"))
    await bench.work()
    assert (bench.desk.look.lines, bench.desk.write.lines) == (["sky"], [])
    for lines in (["one"], ["one", "two"]):
        await bench.backend.agents.confirm(await bench.asked(run), "anna")
        await bench.work()
        assert bench.desk.write.lines == lines
    assert (await bench.said(run)).startswith("Told: wrote one; wrote two; [data")


async def test_what_is_forbidden_unknown_or_unfit_is_not_done_and_the_model_is_told(
    bench: Bench, provider: Provider
) -> None:
    wanted = ToolUse("break", {"text": "x"}), ToolUse("fly", {}), ToolUse("look", {"txt": 1}), ToolUse("look", "{")
    provider.rule = plays(Scene("do", CallsTools(*wanted), tells))
    run = await bench.begin(step("Do it"))
    await bench.work()
    assert await bench.calls(run) == [
        ("break", "forbidden", "refused"), ("fly", "unfit", "refused"), ("look", "unfit", "refused"),
        ("look", "unfit", "refused"),
    ]  # fmt: skip
    assert "no such skill" in await bench.said(run)
    assert "text: Field required" in await bench.said(run)
    assert "no JSON object" in await bench.said(run)


async def test_a_model_is_not_told_of_each_of_thousands_of_mistakes(
    bench: Bench, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Texts(BaseModel):
        texts: list[str]

    monkeypatch.setattr(bench.desk.look, "parameters", Texts)
    provider.rule = plays(Scene("look", CallsTool("look", {"texts": [1] * 5_000}), tells))
    run = await bench.begin(step("Look"))
    await bench.work()
    assert await bench.calls(run) == [("look", "unfit", "refused")]
    assert "texts.0: Input should be a valid string" in await bench.said(run)
    assert len(await bench.said(run)) < 1_000


async def test_a_model_that_says_it_has_done_what_was_refused_is_contradicted(bench: Bench, provider: Provider) -> None:
    wanted = ToolUse("break", {"text": "x"}), ToolUse("fly", {}), ToolUse("fly", {}), ToolUse("look", {"txt": 1})
    provider.rule = plays(Scene("do", CallsTools(*wanted), "I broke it, and flew."))
    for language, heading in (("en", "Tried, but not done:"), ("ru", "Не удалось сделать:")):
        bench.session = None
        run = await bench.begin(step("Do it"), person=f"anna-{language}", language=language)
        await bench.work()
        assert await bench.said(run) == f"I broke it, and flew.\n\n{heading}\n– break\n– fly"


async def test_nobody_is_told_of_a_refusal_after_which_it_was_done(
    bench: Bench, waiting: UUID, provider: Provider
) -> None:
    await bench.backend.agents.confirm(await bench.asked(waiting), "anna", always=True)
    provider.rule = plays(Scene("note", CallsTool("write", {"txt": 1}), write("bread"), "Noted."))
    run = await bench.begin(step("Note bread"))
    await bench.work()
    assert await bench.calls(run) == [("write", "unfit", "refused"), ("write", "granted", "done")]
    assert await bench.said(run) == "Noted."


async def test_what_was_allowed_for_a_day_and_did_not_work_is_told_as_well(bench: Bench, waiting: UUID) -> None:
    await bench.backend.agents.confirm(await bench.asked(waiting), "anna", always=True)
    bench.desk.write.fails = Failed("the pen is empty")
    run = await bench.begin(step("Note milk"))
    await bench.work()
    assert await bench.calls(run) == [("write", "granted", "failed")]
    assert (await bench.said(run)).endswith("Confirmed, but it did not work:\n– write")


async def test_what_postgres_does_not_take_is_left_out(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("note", CallsTool("write", {"text": "milk"}), "Noted \0."))
    bench.desk.write.version = "1\0"
    run = await bench.begin(step("Note it"))
    await bench.work()
    await bench.backend.agents.confirm(await bench.asked(run), "anna")
    await bench.work()
    assert (await bench.calls(run), await bench.said(run)) == ([("write", "confirmed", "done")], "Noted .")


async def test_what_takes_too_long_to_be_shown_is_not_done(
    bench: Bench, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(*_: object) -> Preview:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(bench.desk.write, "preview", hangs)
    monkeypatch.setattr(bench.desk.write, "seconds", 0.1)
    provider.rule = plays(Scene("note", write("milk"), tells))
    run = await bench.begin(step("Note milk"))
    async with asyncio.timeout(10):
        await bench.work()
    assert await bench.calls(run) == [("write", "unfit", "refused")]
    assert "It took longer than 0.1 seconds to find out what it would do." in await bench.said(run)


async def test_what_was_broken_off_is_told_as_uncertain_and_not_as_failed(bench: Bench, waiting: UUID) -> None:
    bench.desk.write.fails = Uncertain("the line was cut")
    await bench.backend.agents.confirm(await bench.asked(waiting), "anna")
    await bench.work()
    assert (await bench.calls(waiting))[0] == ("write", "confirmed", "uncertain")
    assert (await bench.step(waiting))["result"] == (
        "Told: the line was cut. It may have happened all the same: do not repeat it."
    )
    assert (await bench.said(waiting)).endswith("may have happened or not; it was not repeated:\n– Write milk")


async def test_what_cannot_even_be_shown_is_not_done(bench: Bench, provider: Provider) -> None:
    bench.desk.write.hides = Failed("the disk is full")
    provider.rule = plays(Scene("note", write("milk"), tells))
    run = await bench.begin(step("Note milk"))
    await bench.work()
    assert await bench.said(run) == "Told: the disk is full\n\nTried, but not done:\n– write"
