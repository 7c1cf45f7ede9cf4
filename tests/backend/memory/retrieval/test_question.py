"""What a question asks for, in English and Russian."""

from datetime import UTC, date, datetime

import pytest

from backend.memory.retrieval.periods import Period, read_periods
from backend.memory.retrieval.question import Question, read_question

THURSDAY = datetime(2024, 3, 14, 12, tzinfo=UTC)


def read(text: str, *speakers: str) -> Question:
    return read_question(text, speakers=speakers, asked_at=THURSDAY)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("When did she go camping in July?", "2023-07-01", "2023-08-01"),
        ("in May 2023", "2023-05-01", "2023-06-01"),
        ("May 7, 2023 at noon", "2023-05-07", "2023-05-08"),
        ("What was on 2023-05-15?", "2023-05-15", "2023-05-16"),
        ("last week", "2024-03-04", "2024-03-11"),
        ("yesterday", "2024-03-13", "2024-03-14"),
        ("last Friday", "2024-03-08", "2024-03-09"),
        ("two months ago", "2024-01-01", "2024-02-01"),
        ("in the past two weeks", "2024-02-29", "2024-03-15"),
        ("in the summer of 2022", "2022-06-01", "2022-09-01"),
        ("в мае", "2023-05-01", "2023-06-01"),
        ("15 мая 2023 года", "2023-05-15", "2023-05-16"),
        ("15.05.2023", "2023-05-15", "2023-05-16"),
        ("на прошлой неделе", "2024-03-04", "2024-03-11"),
        ("позавчера", "2024-03-12", "2024-03-13"),
        ("в прошлом году", "2023-01-01", "2024-01-01"),
        ("два месяца назад", "2024-01-01", "2024-02-01"),
        ("неделю назад", "2024-03-04", "2024-03-11"),
        ("в прошлую среду", "2024-03-13", "2024-03-14"),
        ("прошлым летом", "2023-06-01", "2023-09-01"),
    ],
)
def test_words_of_time_become_days(text: str, start: str, end: str) -> None:
    assert read_periods(text, THURSDAY) == (Period(date.fromisoformat(start), date.fromisoformat(end)),)


@pytest.mark.parametrize(
    "text", ["what may happen", "Do you march?", "How did I fall?", "31 June", "Сколько лет бабушке?", "Springfield"]
)
def test_words_that_only_look_like_time_are_none(text: str) -> None:
    assert read_periods(text, THURSDAY) == ()


@pytest.mark.parametrize(
    ("asked", "speaker", "rest"),
    [
        ("What is Caroline's sister called?", "Caroline", "What is sister called?"),
        ("Дмитрию понравилось?", "Дмитрий", "понравилось?"),
        ("что у маши?", "Маша", "что у?"),
        ("Где живёт Олегова мама?", "Олег", "Где живёт мама?"),
        ("Куда ездила Мария летом?", "Мария Иванова", "Куда ездила летом?"),
    ],
)
def test_a_named_speaker_is_cut_from_the_question(asked: str, speaker: str, rest: str) -> None:
    question = read(asked, speaker, "Somebody Else")
    assert (question.speaker, question.text) == (speaker, rest)


def test_two_named_speakers_are_cut_and_neither_is_meant() -> None:
    question = read("What does Caroline think of Melanie?", "Caroline", "Melanie")
    assert (question.speaker, question.text) == ("", "What does think of?")


def test_a_car_is_not_masha() -> None:
    assert read("Машина сломалась?", "Маша").text == "Машина сломалась?"


def test_a_question_of_nothing_but_a_name_keeps_it() -> None:
    assert read("John?", "John").text == "John?"


def test_a_long_message_is_also_read_by_its_sentences() -> None:
    sentences = [f"This is sentence number {number} of quite a long message that talks on." for number in range(3)]
    question = read(" ".join(sentences))
    assert question.is_message
    assert question.texts == (" ".join(sentences), *sentences)


def test_it_is_known_who_is_asked_about_and_what_for() -> None:
    assert read("Когда я родился?").first_person
    assert read("What did you recommend?").second_person
    assert read("When was it?").asks_when
    assert read("Сколько стоит?").asks_number
    assert not read("Где ключи?").is_message
