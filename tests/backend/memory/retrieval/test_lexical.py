"""What is found by words, how it is ranked, and that scopes do not see each other."""

import math
import random
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import numpy as np
import pytest

from backend.database import Database
from backend.memory.retrieval import lexical
from backend.memory.retrieval.lexical import count_words, find_words
from backend.memory.words import index_words
from tests.backend.memory.remembering import converse

EVERYTHING = 1_000


async def best(db: Database, question: str, *scopes: UUID, language: str = "") -> list[int]:
    words = await find_words(db, question, language, scopes)
    documents, length = (
        await db.run("select sum(pieces)::int, sum(length)::int from scopes where id = any($1)", scopes)
    )[0]
    found = words.best(EVERYTHING, documents=documents or 0, mean_length=(length or 0) / (documents or 1))
    return [int(id) for id in found]


def bm25(texts: Sequence[Sequence[str]], question: set[str]) -> list[float]:
    """By the book (Lucene's form), word by word."""
    mean = sum(map(len, texts)) / len(texts)
    scores = []
    for text in map(Counter, texts):
        score = 0.0
        for word in question:
            found = sum(word in other for other in texts)
            rarity = math.log(1 + (len(texts) - found + 0.5) / (found + 0.5))
            length = 0.25 + 0.75 * text.total() / mean
            score += rarity * text[word] * 2.2 / (text[word] + 1.2 * length)
        scores.append(score)
    return scores


async def test_a_rare_word_counts_more_than_a_common_one_and_a_short_text_more_than_a_long_one(db: Database) -> None:
    anna = await converse(db)
    *_, rare, short, long = await anna.say(
        "cats purr", "cats jump", "cats sleep all day", "a purple dinosaur", "cats", "cats and dogs and birds and fish"
    )
    await index_words(db, EVERYTHING)
    found = await best(db, "Which cat is a dinosaur?", anna.scope)
    assert found[:2] == [rare, short]
    assert found[-1] == long


@pytest.mark.parametrize("most", [0, 40, EVERYTHING])
async def test_the_ranking_is_that_of_the_book(db: Database, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(3)
    vocabulary = [f"w{number}x" for number in range(60)]
    texts = [
        chance.choices(vocabulary, [1 / (place + 1) for place in range(60)], k=chance.randint(1, 30))
        for _ in range(120)
    ]
    anna = await converse(db)
    ids = await anna.say(*map(" ".join, texts))
    await index_words(db, EVERYTHING)
    question = {"w0x", "w3x", "w30x", "w59x"}
    monkeypatch.setattr(lexical, "MOST_FOUND", most)
    words = await find_words(db, " ".join(question), "", [anna.scope])
    mean = sum(map(len, texts)) / len(texts)

    found = words.best(EVERYTHING, documents=len(texts), mean_length=mean).tolist()
    finding = {word for word, _ in zip(words.words, words.postings, strict=False)}
    assert len(finding) == {0: 1, 40: 2, EVERYTHING: 4}[most]
    scores = dict(zip(ids, bm25(texts, finding), strict=True))
    assert sorted(found) == [id for id in ids if scores[id]]
    assert [scores[id] for id in found] == pytest.approx(sorted(filter(None, scores.values()), reverse=True))

    # Every word is counted, also those which did not find.
    times = await count_words(db, words, [anna.scope], np.array(ids))
    assert times.tolist() == [[text.count(word) for text in texts] for word in words.words]
    assert words.documents_with.tolist() == [sum(word in text for text in texts) for word in words.words]
    assert set(words.words) == question


async def test_words_of_either_language_are_found_in_one_memory(db: Database) -> None:
    anna = await converse(db)
    russian, english, both, _ = await anna.say(
        "Мы ездили на дачу к сестрёнке", "My puppies are running", "Купила щенкам новый MacBook", "ничего"
    )
    await index_words(db, EVERYTHING)
    assert await best(db, "кто ездит на дачи?", anna.scope) == [russian]
    assert await best(db, "сестренка", anna.scope) == [russian]
    assert await best(db, "puppy runs", anna.scope) == [english]
    assert await best(db, "щенок с макбуком, macbooks", anna.scope) == [both]
    assert set(await best(db, "puppy, дача", anna.scope)) == {russian, english}


async def test_a_language_is_told_by_the_session_where_letters_do_not(db: Database) -> None:
    hans = await converse(db, "hans", language="de-DE")
    said = await hans.say("Unsere Häuser stehen in Köln")
    await index_words(db, EVERYTHING)
    assert await best(db, "Wo steht das Haus?", hans.scope, language="de") == said


async def test_nobody_finds_what_was_said_elsewhere(db: Database) -> None:
    chance = random.Random(5)
    places = [
        {"user": f"u{user}", "kind": kind, "chat": f"c{chat}", "thread": f"t{thread}"}
        for user in range(4) for kind in ("private", "group") for chat in range(2) for thread in range(2)
    ]  # fmt: skip
    said: dict[UUID, set[int]] = {}
    for place in chance.choices(places, k=60):
        talk = await converse(db, **place)
        said.setdefault(talk.scope, set()).update(await talk.say("the secret apple"))
    await index_words(db, EVERYTHING)
    assert len(said) > 4
    for scope, ids in said.items():
        assert set(await best(db, "a secret apple?", scope)) == ids
    one, other, *_ = said
    assert set(await best(db, "apples", one, other)) == said[one] | said[other]


@pytest.mark.parametrize(
    "question", ["", "?!", "и не он", "\U0001f600", "x" * 100_000, "'); drop table words; --", "%_\\"]
)
async def test_a_question_without_words_that_were_said_finds_nothing(db: Database, question: str) -> None:
    anna = await converse(db)
    await anna.say("apple")
    await index_words(db, EVERYTHING)
    assert await best(db, question, anna.scope) == []


async def test_a_very_long_question_is_answered_by_its_rarest_words(db: Database) -> None:
    anna = await converse(db)
    await anna.say(*(" ".join(f"w{number}x" for number in range(length)) for length in range(1, 200)))
    await index_words(db, EVERYTHING)
    words = await find_words(db, " ".join(f"w{number}x" for number in range(20_000)), "", [anna.scope])
    assert len(words.words) == lexical.MOST_WORDS
    assert words.documents_with[0] == 1
    assert len(await best(db, "w199x " * 20_000 + "w0x", anna.scope)) == 0
