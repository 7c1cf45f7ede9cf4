"""Which words are kept of what was said, and that they go and change with it."""

import asyncio
import random
from typing import Any

import pytest

from backend.database import Database
from backend.memory.words import index_words
from tests.backend.memory.remembering import converse

KEPT = "select count(*) from words join embeddings on embeddings.id = embedding_id where key = word_key($1, scope)"


async def words_of(db: Database, text: str, language: str = "") -> dict[str, int]:
    return {row["word"]: row["times"] for row in await db.run("select * from words_of($1, $2)", text, language)}


async def kept(db: Database) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await db.run("select key, embedding_id, times, length from words order by 1, 2")]


async def totals(db: Database) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await db.run("select id, pieces, length, speakers from scopes order by 1")]


@pytest.mark.parametrize(
    ("said", "asked", "language"),
    [
        ("Собаки гуляли по дачам", "собака гуляет на даче", ""),
        ("Ещё зелёная ёлка", "зеленые елки", ""),
        ("She adopted two puppies", "adopting a puppy", ""),
        ("Купил MacBook для сестрёнки", "macbooks сестренке", ""),
        ("Die Häuser der Stadt", "Haus", "de"),
        ("Nos vacances étaient merveilleuses", "merveilleux vacance", "fr-FR"),
        ("Kirjoissa on kuvia", "kirjat", "fi"),
        ("on 2024-05-03 at 10:30", "2024 05 03 10 30", ""),
        ("see backend/memory/search.py", "search memory", ""),
        ("call read_file() of example.com", "file example", ""),
        ("a well-known e-mail", "known mail", ""),
        ("Order №4815162342-A", "4815162342", ""),
        ("IPv6 и Ｗｉｄｅ", "ipv6", ""),
    ],
)
async def test_a_word_is_the_same_in_other_forms_and_between_any_signs(
    db: Database, said: str, asked: str, language: str
) -> None:
    said_words, asked_words = await words_of(db, said, language), await words_of(db, asked, language)
    assert asked_words
    assert asked_words.keys() <= said_words.keys()


@pytest.mark.parametrize("text", ["", " ", "?!… —", "и он не я", "the of and", "\U0001f600" * 50, "x" * 200_000])
async def test_a_text_may_be_without_words_that_count(db: Database, text: str) -> None:
    assert await words_of(db, text) == {}


async def test_a_repeated_word_is_counted(db: Database) -> None:
    assert await words_of(db, "tea, Tea and teas") == {"tea": 3}


async def test_words_are_indexed_once_and_counted_for_the_whole_memory(db: Database) -> None:
    anna = await converse(db)
    first, second = await anna.say("The red fox runs", "the foxes", speaker="Anna")
    assert await index_words(db, 10) == 2
    assert await index_words(db, 10) == 0
    assert await totals(db) == [(anna.scope, 2, 4, ["Anna"])]
    assert (await db.run(KEPT, "fox"))[0]["count"] == 2
    rows = await db.run("select embedding_id, times, length from words order by 1, 2")
    assert {tuple(row) for row in rows} == {(first, 1, 3), (second, 1, 1)}
    await anna.say("Ok", speaker="Bot")
    await index_words(db, 10)
    ((_, pieces, length, speakers),) = await totals(db)
    assert (pieces, length, sorted(speakers)) == (3, 5, ["Anna", "Bot"])


async def test_a_memory_is_indexed_in_portions(db: Database) -> None:
    anna = await converse(db)
    await anna.say(*(f"word{number}" for number in range(5)))
    assert [await index_words(db, 2) for _ in range(4)] == [2, 2, 1, 0]


async def test_two_at_once_share_the_work(db: Database) -> None:
    people = [await converse(db, f"person {number}") for number in range(5)]
    for person in people:
        await person.say(*(f"apple{number} pear" for number in range(20)))

    async def work() -> int:
        done = 0
        while count := await index_words(db, 7):
            done += count
        return done

    shares = list(await asyncio.gather(work(), work(), work()))
    while count := await index_words(db, 7):  # what was locked just when everybody looked
        shares.append(count)
    assert sum(shares) == 100
    assert len(await kept(db)) == 200
    assert [row[1:3] for row in await totals(db)] == [(20, 40)] * 5


@pytest.mark.parametrize(
    "statement",
    [
        "delete from embeddings where id = $1",
        "delete from messages where id = (select message_id from embeddings where id = $1)",
    ],
)
async def test_the_words_of_what_is_deleted_are_forgotten(db: Database, statement: str) -> None:
    anna = await converse(db)
    first, second = await anna.say("red fox", "red wine")
    await anna.say("blue", speaker="Boris")
    await index_words(db, 10)
    await db.run(statement, first)
    assert {row[1] for row in await kept(db)} == {second, second + 1}
    assert await totals(db) == [(anna.scope, 2, 3, ["Boris"])]
    await db.run(statement, second + 1)
    assert await totals(db) == [(anna.scope, 1, 2, [])]


async def test_a_name_goes_with_its_last_piece_also_when_that_was_just_written_anew(db: Database) -> None:
    anna = await converse(db)
    await anna.say("red fox", speaker="Anna")
    [boris] = await anna.say("blue whale", speaker="Boris")
    await index_words(db, 10)
    await db.run("update embeddings set content = 'blue sea' where id = $1", boris)
    await db.run("delete from embeddings where id = $1", boris)
    assert await totals(db) == [(anna.scope, 1, 2, ["Anna"])]


async def test_nothing_is_left_of_a_memory_that_is_deleted(db: Database) -> None:
    anna, boris = await converse(db), await converse(db, "boris")
    for person in (anna, boris):
        await person.say("red fox", "red wine", speaker=f"{person.id}")
    await index_words(db, 3)  # one of the four has no words yet
    await db.run("delete from chat_sessions where id = $1", anna.id)
    assert [row[0] for row in await totals(db)] == [boris.scope]
    await db.run("delete from chat_sessions")
    assert (await kept(db), await totals(db)) == ([], [])
    assert await index_words(db, 10) == 0


async def test_what_is_written_anew_is_indexed_anew(db: Database) -> None:
    anna = await converse(db)
    first, _ = await anna.say("red fox", "red wine")
    await index_words(db, 10)
    await db.run("update embeddings set indexed_at = now()")
    await db.run("update embeddings set content = 'the blue whale song' where id = $1", first)
    assert await totals(db) == [(anna.scope, 1, 2, [])]
    assert [row["id"] for row in await db.run("select id from embeddings where indexed_at is null")] == [first]
    assert await index_words(db, 10) == 1
    assert await totals(db) == [(anna.scope, 2, 5, [])]
    assert (await db.run(KEPT, "fox"))[0]["count"] == 0
    assert (await db.run(KEPT, "whale"))[0]["count"] == 1
    await db.run("update embeddings set content = content, importance = 1")
    assert await index_words(db, 10) == 0


async def test_after_any_changes_all_is_as_if_indexed_at_once(db: Database) -> None:
    chance = random.Random(7)
    people = [await converse(db, f"person {number}", language=chance.choice(["", "de"])) for number in range(4)]
    for _ in range(150):
        match chance.randrange(5):
            case 0 | 1:
                content = " ".join(
                    chance.choices(["Haus", "fox", "лиса", "дома", "и", "2024-05-03"], k=chance.randrange(8))
                )
                await chance.choice(people).say(content or "?", speaker=chance.choice(["", "Anna", "Boris"]))
            case 2:
                await index_words(db, chance.randrange(1, 5))
            case 3:
                await db.run("delete from embeddings where id % 31 = $1", chance.randrange(31))
            case 4:
                await db.run("update embeddings set content = content || ' cat' where id % 7 = 0")
    while await index_words(db, 10):
        pass
    grown = (await kept(db), [(*row[:3], sorted(row[3])) for row in await totals(db)])
    await db.run("truncate words, scopes")
    await db.run("update embeddings set length = null")
    await index_words(db, 1000)
    assert grown == (await kept(db), [(*row[:3], sorted(row[3])) for row in await totals(db)])
    assert grown[0]
