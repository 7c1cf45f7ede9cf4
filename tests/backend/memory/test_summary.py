"""What the model is asked for a summary, and what is made of its reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.memory.summary import SummaryUnusable, language_of, read_summary, summary_prompt
from backend.memory.transcript import Fact, Line, Summary

PREVIOUS = Summary(1, "Anna greets.", (Fact("name", "Anna"), Fact("date", "12 May"), Fact("question", "visa?")), 4, 30)


def test_what_the_model_does_not_mention_is_carried_over_word_for_word() -> None:
    draft = read_summary("STORY\nShe plans a trip.\nFACTS\n", PREVIOUS)
    assert draft.story == "She plans a trip."
    assert draft.facts == PREVIOUS.facts


def test_facts_are_added_changed_and_struck_out() -> None:
    reply = "STORY\nMore.\nFACTS\n+ preference: window seat\n~ 2 date: 14 May\n- 3: answered, none is needed"
    assert read_summary(reply, PREVIOUS).facts == (
        Fact("name", "Anna"), Fact("date", "14 May"), Fact("preference", "window seat"),
    )  # fmt: skip


def test_a_fact_is_not_struck_out_without_a_reason() -> None:
    assert read_summary("STORY\nMore.\nFACTS\n- 1\n- 2:\n-3: ", PREVIOUS).facts == PREVIOUS.facts


def test_numbers_that_are_no_facts_are_passed_over() -> None:
    reply = "STORY\nMore.\nFACTS\n~ 9 date: never\n- 0: because\n- 77: because"
    assert read_summary(reply, PREVIOUS).facts == PREVIOUS.facts


def test_a_fact_that_is_known_is_not_added_again() -> None:
    reply = "STORY\nMore.\nFACTS\n+ name: Anna\n+ number: 7\n+ number: 7"
    assert read_summary(reply, PREVIOUS).facts == (*PREVIOUS.facts, Fact("number", "7"))


@pytest.mark.parametrize("heading", ["## STORY\n", "**Story:**\n", "story\n", ""])
def test_models_write_headings_in_many_ways(heading: str) -> None:
    assert read_summary(f"{heading}She left.", PREVIOUS).story == "She left."


@pytest.mark.parametrize("reply", ["", "STORY\n\nFACTS\n+ name: Anna", "FACTS\n+ name: Boris"])
def test_a_reply_without_a_story_is_refused(reply: str) -> None:
    with pytest.raises(SummaryUnusable):
        read_summary(reply, PREVIOUS)


@given(st.text())
def test_no_reply_can_lose_a_fact_without_saying_so(noise: str) -> None:
    noise = noise.replace("~", "").replace("-", "")
    assert set(PREVIOUS.facts) <= set(read_summary(f"STORY\nStory.\nFACTS\n{noise}", PREVIOUS).facts)


def test_the_prompt_holds_the_record_and_what_was_said_since() -> None:
    instructions, material = summary_prompt(PREVIOUS, [Line("user", "I fly on 12 May", 5)], facts_limit=10)
    assert instructions.role == "system"
    for part in ("Anna greets.", "2 date: 12 May", "[user] I fly on 12 May"):
        assert part in material.content


def test_a_long_list_of_facts_is_asked_to_be_joined() -> None:
    short, long = (summary_prompt(PREVIOUS, [], facts_limit=limit)[0].content for limit in (3, 2))
    assert "has grown long" not in short
    assert "has grown long" in long


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("Привет, как дела?", "Russian"),
        ("Call deploy() в пятницу, пожалуйста", "Russian"),
        ("Hello", "the language"),
        ("", "the language"),
    ],
)
def test_the_summary_is_in_the_language_of_the_person(said: str, language: str) -> None:
    assert language_of([Line("assistant", "English words from the bot", 5), Line("user", said, 5)]).startswith(language)
