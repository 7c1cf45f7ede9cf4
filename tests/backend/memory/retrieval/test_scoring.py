"""What speaks for a candidate, and what the sum of it puts first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from backend.memory.retrieval.candidates import Candidates, Scope
from backend.memory.retrieval.question import Question, read_question
from backend.memory.retrieval.scoring import WEIGHTS, score
from backend.memory.retrieval.signals import read_signals

BEGAN = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Said:
    content: str
    cosine: float = 0.1
    speaker: str = ""
    role: str = "user"
    session: int = 0
    message: int | None = None
    day: int = 0


def ask(text: str, *speakers: str) -> Question:
    return read_question(text, speakers=speakers, asked_at=BEGAN + timedelta(days=100))


def candidates(said: Sequence[Said], terms: Sequence[str] = (), documents: int = 1000) -> Candidates:
    """All that was said, in that order; a term occurs where it is a part of the text."""
    n = len(said)
    frequency = np.array([[one.content.lower().count(term) for one in said] for term in terms], np.float32)
    side = [place if 0 < place < n and said[place].session == said[place - 1].session else 0 for place in range(n)]
    previous = np.array([place - 1 for place in side])
    following = np.array([place + 1 if place + 1 < n and side[place + 1] else -1 for place in range(n)])
    return Candidates(
        ids=np.arange(n),
        messages=np.array([place if one.message is None else one.message for place, one in enumerate(said)]),
        pieces=np.zeros(n, np.int64),
        sessions=np.array([one.session for one in said]),
        positions=np.arange(n),
        previous=previous,
        following=following,
        roles=[one.role for one in said],
        speakers=[one.speaker for one in said],
        contents=[one.content for one in said],
        days=np.array([BEGAN.toordinal() + one.day for one in said]),
        importance=np.zeros(n, np.float32),
        cosine=np.array([[one.cosine for one in said]], np.float32),
        frequency=frequency.reshape(len(terms), n),
        lengths=np.array([len(one.content.split()) for one in said], np.float32),
        scope=Scope(
            documents=documents,
            mean_length=8.0,
            documents_with=(frequency.reshape(len(terms), n) > 0).sum(axis=1).astype(np.float32),
            last_session=max(one.session for one in said),
        ),
    )


CHATTER = [
    Said(f"We talked about the weather and nothing else, part {number}.", 0.1 + number / 100) for number in range(12)
]
DOG = Said("My dog Rex is a poodle from the shelter.", 0.7)


def test_what_fits_best_by_meaning_and_words_comes_first() -> None:
    scored = score(ask("What breed is my dog?"), candidates([*CHATTER, DOG], ["dog", "breed"]))
    assert scored.order[0] == len(CHATTER)


def test_the_parts_add_up_to_the_score_and_are_named_by_the_weights() -> None:
    scored = score(ask("What breed is my dog?"), candidates([*CHATTER, DOG], ["dog", "breed"]))
    assert np.allclose(np.sum(list(scored.parts.values()), axis=0), scored.scores)
    assert set(scored.parts) == set(WEIGHTS.signals["among_people"])


def test_both_sets_weigh_every_signal() -> None:
    signals = read_signals(ask("What breed is my dog?"), candidates([*CHATTER, DOG], ["dog"]))
    assert all(set(signals) == set(weighed) for weighed in WEIGHTS.signals.values())


def test_another_scale_of_cosines_changes_nothing() -> None:
    question, wide = ask("What breed is my dog?"), candidates([*CHATTER, DOG], ["dog", "breed"])
    narrow = replace(wide, cosine=np.float32(0.8) + wide.cosine / np.float32(10))
    assert np.allclose(score(question, wide).scores, score(question, narrow).scores, atol=1e-2)


def test_without_an_embedder_words_decide() -> None:
    found = candidates([*CHATTER, DOG], ["dog", "breed"])
    scored = score(ask("What breed is my dog?"), replace(found, cosine=found.cosine[:0]))
    assert scored.order[0] == len(CHATTER)


def test_what_has_no_vector_yet_counts_as_the_farthest() -> None:
    found = candidates([*CHATTER, DOG], ["dog", "breed"])
    cosine = found.cosine.copy()
    cosine[0, 3] = np.nan
    scored = score(ask("What breed is my dog?"), replace(found, cosine=cosine))
    assert np.isfinite(scored.scores).all()
    assert scored.order[0] == len(CHATTER)


def test_of_equal_texts_the_one_of_the_named_speaker_is_meant() -> None:
    said = [Said("I bought a red kayak.", 0.5, "Ann"), Said("I bought a red kayak!", 0.5, "Bob"), *CHATTER]
    assert score(ask("Which kayak did Bob buy?", "Ann", "Bob"), candidates(said, ["kayak"])).order[0] == 1


def test_repetitions_are_folded_into_what_was_said_first() -> None:
    said = [*CHATTER, Said("Rex is a poodle.", 0.6, session=1), Said("rex is a poodle. ", 0.9, session=2)]
    order = score(ask("What is Rex?"), candidates(said, ["rex"])).order.tolist()
    assert order[0] == len(CHATTER)
    assert len(CHATTER) + 1 not in order


def test_a_message_of_many_pieces_is_found_once() -> None:
    said = [*CHATTER, Said("Rex is a poodle.", 0.6, message=99), Said("Rex likes to swim.", 0.5, message=99)]
    order = score(ask("What is Rex?"), candidates(said, ["rex", "poodle"])).order.tolist()
    assert order[0] == len(CHATTER)
    assert len(order) == len(CHATTER) + 1


def test_an_answer_is_found_by_the_question_before_it() -> None:
    said = [*CHATTER, Said("Which breed is your dog?", 0.8), Said("A poodle.", 0.1), Said("Oh, a poodle!", 0.1)]
    signals = read_signals(ask("What breed is the dog?"), candidates(said, ["dog", "breed"]))
    assert signals["answers_words"][len(CHATTER) + 1] == 1
    assert signals["answers_words"][len(CHATTER) + 2] == 0


def test_what_was_said_in_the_period_asked_for_stands_out() -> None:
    said = [Said(f"Something else was said on day {day}.", day=day) for day in range(0, 60, 10)]
    signal = read_signals(ask("What happened on January 21?"), candidates(said))["in_period"]
    assert signal.argmax() == 2
    assert signal[2] == 1
    assert signal[3] > signal[1] > 0


def test_neighbours_in_other_sessions_are_none() -> None:
    said = [Said("Which breed is your dog?", 0.8), Said("A poodle.", 0.1, session=1)]
    assert read_signals(ask("What breed?"), candidates(said, ["breed"]))["answers_words"].tolist() == [0, 0]


def test_where_nothing_was_said_nothing_is_found() -> None:
    none = candidates([Said("x")])
    empty = replace(none, ids=none.ids[:0])
    scored = score(ask("What breed is my dog?"), empty)
    assert scored.order.tolist() == []
    assert scored.strength == "none"


def test_one_candidate_is_enough() -> None:
    assert score(ask("What breed is my dog?"), candidates([DOG], ["dog", "breed"])).order.tolist() == [0]


def test_what_was_never_said_is_not_passed_off_as_an_answer() -> None:
    asked = ask("How tall is the lighthouse of Kronstadt?")
    scored = score(asked, candidates(CHATTER, ["lighthous", "kronstadt", "tall"]))
    assert scored.strength == "none"


def test_what_was_said_word_for_word_is_not_none() -> None:
    scored = score(ask("Is my dog Rex a poodle?"), candidates([*CHATTER, DOG], ["dog", "rex", "poodle"]))
    assert scored.strength != "none"
