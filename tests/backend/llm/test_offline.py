"""Without a model: the plain truth, and memory word for word."""

import pytest

from backend.llm.offline import offline_answer


@pytest.mark.parametrize(
    ("language", "question", "beginning"),
    [
        ("ru", "Hello", "Языковая модель не настроена"),
        ("ru-RU", "Hello", "Языковая модель не настроена"),
        ("RU", "Hello", "Языковая модель не настроена"),
        ("en", "Привет", "No language model is configured"),
        ("de", "Привет", "No language model is configured"),
        ("", "Привет", "Языковая модель не настроена"),
        ("", "ЁЖ", "Языковая модель не настроена"),
        ("", "Hello", "No language model is configured"),
        ("", "", "No language model is configured"),
    ],
)
def test_it_says_in_the_persons_language_that_there_is_no_model(language: str, question: str, beginning: str) -> None:
    assert offline_answer([], language=language, question=question).startswith(beginning)


def test_it_says_what_to_set() -> None:
    for language, console in (("ru", "консоли, на странице «Настройка»"), ("en", "console, under “Set up”")):
        answer = offline_answer([], language=language, question="")
        assert console in answer
        assert all(name in answer for name in ("OPENAI_API_KEY", "OPENROUTER_API_KEY", "OLLAMA_BASE_URL", ".env"))


def test_it_shows_what_memory_holds_word_for_word() -> None:
    answer = offline_answer(["My cat is Tom", "I live in Riga"], language="en", question="cat")
    assert answer.endswith("Here is what memory holds about it, word for word:\n— My cat is Tom\n— I live in Riga")


def test_it_says_when_memory_holds_nothing() -> None:
    assert offline_answer([], language="en", question="cat").endswith("Memory holds nothing about it.")
    assert offline_answer([], language="ru", question="кот").endswith("В памяти об этом ничего нет.")
