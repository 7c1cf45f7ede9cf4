"""What is worth remembering, in two languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.memory.importance import importance

CHATTER = ["ok", "Ok, thanks!", "Привет!", "спасибо, понятно", "Доброе утро 😀", "👍", "..."]
PLAIN = ["The sun is a star.", "Расскажи анекдот про программиста"]
FACTS = [
    "My name is Anna and I live in Kazan",
    "Меня зовут Анна, я живу в Казани",
    "I'm allergic to peanuts",
    "We decided to move on Friday",
    "У меня собака, зовут Рекс",
    "Договорились: в четверг в 18:00",
]


@pytest.mark.parametrize("text", CHATTER)
def test_chatter_is_worth_nothing(text: str) -> None:
    assert importance("user", text) == 0


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("plain", PLAIN)
def test_a_fact_about_the_person_is_worth_more_than_what_could_be_said_by_anybody(fact: str, plain: str) -> None:
    assert 0 < importance("user", plain) < importance("user", fact)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("Remember that the code is 4711", "The code is 4711"),
        ("Запомни: пароль от вайфая 4711", "Пароль от вайфая 4711"),
    ],
)
def test_a_request_to_remember_counts(asked: str, told: str) -> None:
    assert importance("user", asked) > importance("user", told)


@pytest.mark.parametrize("fact", FACTS)
def test_what_the_assistant_says_is_worth_less(fact: str) -> None:
    assert 0 < importance("assistant", fact) < importance("user", fact)


@given(st.sampled_from(["user", "assistant"]), st.text(max_size=300))
def test_it_is_between_0_and_1(role: str, text: str) -> None:
    assert 0 <= importance(role, text) <= 1
