"""Whatever becomes of its steps, a run goes on until all are over, and nothing is done that lacks what it needs."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from backend.agents.course import MISSING, UNFINISHED, Step, doomed, due, ended, goes_on, leaves

ENDS = st.sampled_from(["completed", "completed", "completed", "failed", "cancelled", "expired", "skipped"])


def a_step(position: int, *depends_on: int, status: str = "pending", kind: str = "act") -> Step:
    return Step(
        UUID(int=position), position, kind, "default", f"Do {position}", depends_on, status, False, str(position), None
    )


@st.composite
def plans(draw: st.DrawFn) -> list[Step]:
    return [
        a_step(position, *draw(st.sets(st.integers(1, position - 1), max_size=3) if position > 1 else st.just(set())))
        for position in range(1, draw(st.integers(1, 10)) + 1)
    ]


def become(steps: Sequence[Step], changed: Sequence[Step], status: str) -> list[Step]:
    positions = {step.position for step in changed}
    return [replace(step, status=status) if step.position in positions else step for step in steps]


@given(plans(), st.data())
def test_a_run_always_comes_to_its_end(steps: list[Step], data: st.DataObject) -> None:
    order = []
    while not all(step.over for step in steps):
        chosen = data.draw(st.sampled_from(due(steps)))
        assert {step.position for step in steps if step.status == "completed"} >= set(chosen.depends_on)
        order.append(chosen.position)
        steps = become(steps, [chosen], data.draw(ENDS))
        steps = become(steps, doomed(steps), "skipped")
    assert len(order) == len(set(order))
    assert due(steps) == doomed(steps) == []
    assert (ended(steps) == "completed") == all(step.status in ("completed", "skipped") for step in steps)
    assert all(step.status == "completed" for step in leaves(steps))


@given(plans(), st.sampled_from(sorted(MISSING)))
def test_what_lacks_something_is_exactly_what_depends_on_it(steps: list[Step], end: str) -> None:
    first = steps[0]
    lost = {step.position for step in doomed(become(steps, [first], end))}
    reached = {first.position}
    for step in steps:
        if reached & set(step.depends_on):
            reached.add(step.position)
    assert lost == reached - {first.position}


def test_what_waits_for_a_person_holds_up_nothing_else() -> None:
    waiting = a_step(1, status="waiting")
    assert goes_on([waiting, a_step(2, 1)]) == "waiting"
    assert goes_on([waiting, a_step(2)]) == "running"
    assert goes_on([waiting, replace(a_step(2, status="running"), leased=True)]) == "running"
    assert UNFINISHED == ("pending", "running", "waiting")


def test_a_new_plan_begins_when_what_was_under_way_is_over() -> None:
    planning = a_step(3, 1, 2, kind="plan")
    assert due([a_step(1, status="failed"), replace(a_step(2, status="running"), leased=True), planning]) == []
    assert due([a_step(1, status="failed"), a_step(2, status="cancelled"), planning]) == [planning]


def test_the_results_are_those_that_no_other_step_has_used() -> None:
    steps = [a_step(1, status="completed"), a_step(2, 1, status="completed"), a_step(3, 2, status="failed")]
    assert [step.position for step in leaves(steps)] == [2]
    again = [*steps, a_step(4, kind="plan", status="completed"), a_step(5, status="completed")]
    assert [step.position for step in leaves(again)] == [5]
