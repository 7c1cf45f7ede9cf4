"""The window: a pure function, so its promises are tried on whatever can be thought of."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from backend.memory.group import Remark
from backend.memory.transcript import Fact, Line, Past, Summary
from backend.memory.window import OVERHEAD_TOKENS, Window, fit, most_lines

NOW = datetime(2026, 5, 9, 14, 30, tzinfo=UTC)
SUMMARY = Summary(3, "They planned a trip to Lisbon.", (Fact("date", "12 May"), Fact("name", "Anna")), 40, 60)

lines = st.lists(
    st.builds(Line, st.sampled_from(["user", "assistant"]), st.text(max_size=20), st.integers(0, 300)), max_size=60
)
summaries = st.none() | st.just(SUMMARY)


remarks = st.none() | st.lists(
    st.builds(
        Remark, st.sampled_from(["user", "assistant"]), st.text(max_size=20), st.text(max_size=500), st.just(NOW)
    ),
    max_size=12,
)


def window(past: Past, *, question: str = "And now?", budget: int = 4_000) -> Window:
    return fit("You are kind.", past, Line("user", question, 5), now=NOW, budget=budget)


def test_the_stable_part_comes_first_and_the_time_right_before_the_question() -> None:
    shown = window(Past(SUMMARY, [Line("user", "Hello", 1), Line("assistant", "Hi", 1)])).messages
    assert [message.role for message in shown] == ["system", "system", "user", "assistant", "system", "user"]
    assert shown[0].content == "You are kind."
    assert "trip to Lisbon" in shown[1].content
    assert "- date: 12 May\n- name: Anna" in shown[1].content
    assert shown[4].content == "It is Saturday, 2026-05-09 14:30 UTC."
    assert shown[5].content == "And now?"


def test_without_a_summary_nothing_stands_for_it() -> None:
    assert [message.role for message in window(Past(None, [])).messages] == ["system", "system", "user"]


def test_a_bot_without_a_persona_has_a_usual_one() -> None:
    shown = fit("", Past(None, []), Line("user", "Hello", 1), now=NOW, budget=1_000).messages
    assert "assistant" in shown[0].content


@given(lines, summaries, st.integers(100, 6_000))
def test_the_history_is_a_gapless_end_and_all_of_it_if_it_fits(
    said: list[Line], told: Summary | None, budget: int
) -> None:
    past = Past(told, said)
    everything = window(past, budget=10**9)
    found = window(past, budget=budget)
    before = 2 if told else 1
    history = [(message.role, message.content) for message in found.messages[before:-2]]
    assert history == [(line.role, line.content) for line in said[found.dropped :]]
    if everything.tokens <= budget:
        assert found == everything
    if found.dropped:
        assert found.tokens + said[found.dropped - 1].tokens + OVERHEAD_TOKENS > budget


@given(lines, remarks, st.integers(500, 6_000))
def test_the_budget_is_kept_whenever_the_rest_leaves_room(
    said: list[Line], heard: list[Remark] | None, budget: int
) -> None:
    found = window(Past(SUMMARY, said, heard=heard), budget=budget)
    assert found.tokens <= budget
    assert found.dropped <= window(Past(SUMMARY, said, heard=heard and []), budget=budget).dropped


def test_summary_and_question_are_shown_even_beyond_the_budget() -> None:
    found = window(Past(SUMMARY, [Line("user", "old", 1)]), budget=1)
    assert [message.role for message in found.messages] == ["system", "system", "system", "user"]
    assert found.dropped == 1


@given(st.integers(1, 20_000))
def test_no_more_messages_are_read_than_could_fit(budget: int) -> None:
    shortest = [Line("user", "a", 1)] * most_lines(budget)
    assert window(Past(None, shortest), budget=budget).dropped > 0
