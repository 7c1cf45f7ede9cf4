"""What of an answer people may see: however it is cut into pieces, it is the same."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.llm.thoughts import ThoughtFilter

MARKS = ["<think>", "</think>", "<thinking>", "</THINKING>", "`<think>`", "`</think>`", "```", "`", "``"]
LOOKALIKES = ["<", "</", "<thin", "</thinking", "<think >", "<thinker>", "<b>", "< think>", "think>"]
WORDS = ["hm", "Привет", " ", "\n", "\n\n", "a < b", "\u2028", "İ", "ſ"]
answers = st.lists(st.sampled_from(MARKS + LOOKALIKES + WORDS) | st.text(max_size=3), max_size=12).map("".join)


def whole(answer: str) -> str:
    thoughts = ThoughtFilter()
    thoughts.feed(answer)
    thoughts.finish()
    return thoughts.text


@st.composite
def cut_answers(draw: st.DrawFn) -> tuple[str, list[str]]:
    answer = draw(answers)
    cuts = sorted(draw(st.lists(st.integers(0, len(answer)), max_size=len(answer))))
    return answer, [answer[start:end] for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True)]


@settings(deadline=None)
@given(cut_answers(), st.booleans())
@example(("`<think>x", ["`<think>", "x"]), False)
@example(("````<think>`", list("````<think>`")), True)
def test_an_answer_in_pieces_is_the_whole_one(cut: tuple[str, list[str]], patient: bool) -> None:
    answer, pieces = cut
    thoughts = ThoughtFilter(patient=patient)
    shown = "".join([*map(thoughts.feed, pieces), thoughts.finish()])
    assert thoughts.text == whole(answer)
    if patient or not thoughts.unannounced:
        assert shown == thoughts.text


@settings(deadline=None)
@given(st.text(), st.lists(st.text(alphabet=st.characters(exclude_characters="<`")), max_size=4), st.text())
def test_what_stands_in_a_thought_is_never_seen(before: str, secrets: list[str], after: str) -> None:
    before, after = before.replace("`", "").replace("<", ""), after.replace("`", "").replace("<", "")
    answer = before + "".join(f"<think>{secret}</think>" for secret in secrets) + after
    assert whole(answer) == (before + after).strip()


@settings(deadline=None)
@given(st.text())
def test_an_answer_without_tags_is_seen_as_it_is(text: str) -> None:
    answer = text.replace("think", "")
    assert whole(answer) == answer.strip()


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ("<think>hm</think>Hello", "Hello"),
        ("<think>\nhm\n</think>\n\nHello\n", "Hello"),
        ("<THINKING>hm</Thinking>Hello", "Hello"),
        ("<think></think>Hello", "Hello"),
        ("<think>a</think>Hello <think>b</think>Anna", "Hello Anna"),
        # never closed
        ("<think>hm", ""),
        ("Hello <think>hm", "Hello"),
        ("<think>hm</thin", ""),
        # never opened
        ("hm, let me see</think>Hello", "Hello"),
        ("a</think>b<think>c</think>d", "bd"),
        # one in another
        ("<think>a <think>b</think> c</think>Hello", "Hello"),
        ("<think>what does <think> mean?</think>Hello", "Hello"),
        ("<think>the tag `</think>` ends it</think>Hello", "Hello"),
        ("<think>```\n</think>Hello", "Hello"),
        # what only looks like one
        ("a < b, <thinker> and <think >", "a < b, <thinker> and <think >"),
        ("Write `<think>` and `</think>` around it", "Write `<think>` and `</think>` around it"),
        ("<think>hm</think>It ends with </think> then", "It ends with </think> then"),
        ("So:\n```\n<think>hm</think>\n```\nThat is all", "So:\n```\n<think>hm</think>\n```\nThat is all"),
        ("```\n<think>\n```\n<think>hm</think>Hello", "```\n<think>\n```\nHello"),
        ("Is 3 <", "Is 3 <"),
        ("It is called `<thin", "It is called `<thin"),
        ("It is `<THINK>", "It is `"),
        ("It is `<THINK>hm", "It is `"),
        ("", ""),
        (" \n", ""),
    ],
)
def test_what_is_seen_of_an_answer(answer: str, seen: str) -> None:
    assert whole(answer) == seen


def test_a_tag_is_not_shown_while_it_is_still_being_written() -> None:
    thoughts = ThoughtFilter()
    assert [thoughts.feed(piece) for piece in ("Hi <", "thi", "s> <think", ">no", "</think", "> all")] == [
        "Hi", "", " <this>", "", "", "  all",
    ]  # fmt: skip


def test_a_patient_filter_waits_for_the_first_tag() -> None:
    thoughts = ThoughtFilter(patient=True)
    assert [thoughts.feed(piece) for piece in ("hm", "</think>Hello", " Anna")] == ["", "Hello", " Anna"]
    assert thoughts.unannounced


def test_a_patient_filter_shows_at_the_end_what_was_no_thought() -> None:
    thoughts = ThoughtFilter(patient=True)
    assert [thoughts.feed("Hello"), thoughts.finish()] == ["", "Hello"]
