"""What a search in memory finds, for whom, and what is left of it when a part is away."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

import pytest

from backend.database import Database
from backend.llm.embedder import read_embedder
from backend.memory.indexing import Chosen, Indexing, VectorIndexes
from backend.memory.retrieval.passages import Found
from backend.memory.retrieval.search import SMALL, Retrieval
from backend.memory.scopes import Whose, scopes_of
from backend.memory.vectors import PgVector
from backend.memory.vectors.qdrant import Qdrant
from backend.memory.vectors.store import VectorStore
from backend.memory.words import index_words
from tests.backend.memory.remembering import converse
from tests.simulators.embeddings import Embeds
from tests.simulators.provider import Provider
from tests.simulators.provider_behaviours import Fails

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOBODY_LISTENS = "http://127.0.0.1:1"

Search: TypeAlias = Callable[..., Awaitable[Found]]


@pytest.fixture
async def indexes(db: Database, provider: Provider) -> AsyncIterator[VectorIndexes]:
    stores: list[VectorStore] = [PgVector(db), Qdrant(NOBODY_LISTENS)]
    told = {"STUB_BASE_URL": provider.base_url}
    indexes = VectorIndexes(db, stores, lambda spec: read_embedder(spec, told), Chosen("pgvector", "stub:words"))
    yield indexes
    await indexes.close()


@pytest.fixture
def indexing(db: Database, indexes: VectorIndexes) -> Indexing:
    return Indexing(db, indexes, remembers=True)


@pytest.fixture
def search(db: Database, indexes: VectorIndexes) -> Search:
    retrieval = Retrieval(db, indexes)

    async def search(question: str, scope: UUID, *, limit: int = 5, not_in: tuple[UUID, int] | None = None) -> Found:
        return await retrieval.search(question, scopes=[scope], now=NOW, limit=limit, not_in=not_in)

    return search


def contents(found: Found) -> list[str]:
    return [passage.content for passage in found.passages]


async def test_what_was_said_is_found_by_its_stem_in_either_language(
    db: Database, indexing: Indexing, search: Search
) -> None:
    anna = await converse(db)
    await anna.say("Мы ездили на дачу к сестре", "My puppies are running around", "I paint on Sundays", "Хороший день")
    await indexing.index()
    assert contents(await search("кто ездит на дачи?", anna.scope))[0] == "Мы ездили на дачу к сестре"
    found = await search("What about the puppy?", anna.scope)
    assert contents(found)[0] == "My puppies are running around"
    assert found.by == "meaning and words"


async def test_a_passage_says_who_said_it_and_when_and_why_it_was_found(
    db: Database, indexing: Indexing, search: Search
) -> None:
    said_at = datetime(2026, 5, 9, 14, 30, tzinfo=UTC)
    anna = await converse(db)
    [id] = await anna.say("I adopted a puppy", speaker="Anna", at=said_at)
    await indexing.index()
    [passage] = (await search("When did Anna adopt a puppy?", anna.scope)).passages
    assert (passage.embedding_id, passage.session_id, passage.document_id) == (id, anna.id, None)
    assert (passage.role, passage.speaker, passage.content, passage.said_at) == (
        "user", "Anna", "I adopted a puppy", said_at,
    )  # fmt: skip
    assert passage.score == pytest.approx(sum(passage.why.values()), abs=1e-4)
    assert await db.run("select from messages where id = $1", passage.message_id)


async def test_nobody_finds_what_was_said_in_another_memory(db: Database, indexing: Indexing, search: Search) -> None:
    await db.run("insert into bots (slug, name) values ('other', 'Other')")
    chance = random.Random(11)
    places = [
        {"bot": bot, "user": user, "kind": kind, "chat": chat, "thread": thread}
        for bot in ("default", "other") for user in ("anna", "boris") for kind in ("private", "group", "supergroup")
        for chat in ("1", "2") for thread in ("", "7")
    ]  # fmt: skip
    secrets: dict[UUID, set[str]] = {}
    for number, place in enumerate(chance.sample(places, len(places))):
        talk = await converse(db, **place)
        secret = f"the secret of apple number{number}"
        await talk.say(secret)
        secrets.setdefault(talk.scope, set()).add(secret)
    await indexing.index()
    assert len(secrets) == 2 * (2 + 4)  # of each bot: two persons, and two topics of two groups
    for scope, said in secrets.items():
        assert set(contents(await search("apple secrets", scope, limit=50))) == said


async def test_the_scopes_of_somebody_are_their_own_and_the_bots(db: Database) -> None:
    anna, group = await converse(db), await converse(db, "boris", kind="supergroup", chat="9", thread="4")
    own, shared = await scopes_of(db, Whose("default", "anna"))
    assert own == anna.scope
    assert list(await scopes_of(db, Whose("default", "boris", "9", "4"))) == [group.scope, shared]


async def test_an_embedding_that_claims_another_scope_than_its_session_is_not_found(
    db: Database, indexing: Indexing, search: Search
) -> None:
    anna, boris = await converse(db), await converse(db, "boris")
    [stray] = await boris.say("the secret apple")
    await anna.say("something else")
    await db.run("update embeddings set scope = $2 where id = $1", stray, anna.scope)
    await indexing.index()
    assert contents(await search("the secret apple", anna.scope)) == ["something else"]


async def test_what_stands_in_the_window_is_left_out(db: Database, indexing: Indexing, search: Search) -> None:
    old, new = await converse(db), await converse(db)
    await old.say("an old apple", "an older apple")
    await new.say("apple one", "apple two", "apple three", "Any apples?")
    await indexing.index()
    found = await search("Any apples?", new.scope, limit=50, not_in=(new.id, 3))
    assert set(contents(found)) == {"an old apple", "an older apple", "apple one", "apple two"}
    found = await search("Any apples?", new.scope, limit=50, not_in=(new.id, 1))
    assert set(contents(found)) == {"an old apple", "an older apple"}


async def test_what_was_said_again_and_again_is_one_passage(db: Database, indexing: Indexing, search: Search) -> None:
    anna = await converse(db)
    await anna.say("I love apples", "i love apples ", "I love apples", "And pears", "I love apples")
    await indexing.index()
    found = contents(await search("Which apples do I love?", anna.scope, limit=50))
    assert [content.strip().lower() for content in found].count("i love apples") == 1
    assert len(found) == 2


async def test_the_limit_is_kept(db: Database, indexing: Indexing, search: Search) -> None:
    anna = await converse(db)
    await anna.say(*(f"apple {number}" for number in range(30)))
    await indexing.index()
    assert len((await search("apple", anna.scope, limit=7)).passages) == 7


@pytest.mark.parametrize("failure", [Fails(500), Fails(401), Embeds(dimensions=7)])
async def test_words_alone_must_do_while_the_embedder_is_away(
    db: Database, indexing: Indexing, search: Search, provider: Provider, failure: Fails | Embeds
) -> None:
    anna = await converse(db)
    await anna.say("My puppies are running", "Nothing else")
    await indexing.index()
    provider.embeddings.usual = failure
    found = await search("Where is the puppy?", anna.scope)
    assert (contents(found)[0], found.by) == ("My puppies are running", "words")


async def test_words_alone_must_do_while_the_store_is_away(
    db: Database, indexing: Indexing, search: Search, indexes: VectorIndexes
) -> None:
    anna = await converse(db)
    await anna.say("My puppies are running", "Nothing else")
    await db.run(
        "insert into vector_indexes (store, embedder, dimensions, state) values ('qdrant', 'stub:words', 256, 'active')"
    )
    await index_words(db, 10)
    found = await search("Where is the puppy?", anna.scope)
    assert (contents(found)[0], found.by) == ("My puppies are running", "words")


async def test_without_any_index_words_alone_must_do(db: Database, search: Search, provider: Provider) -> None:
    anna = await converse(db)
    await anna.say("My puppies are running")
    await index_words(db, 10)
    found = await search("puppy", anna.scope)
    assert (contents(found), found.by) == (["My puppies are running"], "words")
    assert not provider.embeddings.calls


async def test_what_has_no_vector_yet_is_found_by_its_words(db: Database, indexing: Indexing, search: Search) -> None:
    anna = await converse(db)
    await anna.say("My cat is grey")
    await indexing.index()
    await anna.say("My puppies are running")
    await index_words(db, 10)
    found = await search("Where is the puppy?", anna.scope)
    assert contents(found)[0] == "My puppies are running"
    assert found.by == "meaning and words"


async def test_what_is_not_indexed_yet_is_not_found_and_harms_nobody(db: Database, search: Search) -> None:
    anna = await converse(db)
    assert contents(await search("apple", anna.scope)) == []
    await anna.say("apple")
    found = await search("apple", anna.scope)
    assert (contents(found), found.strength, found.by) == ([], "none", "words")


@pytest.mark.parametrize("table", ["embeddings", "messages", "chat_sessions"])
async def test_what_was_deleted_is_not_found(db: Database, indexing: Indexing, search: Search, table: str) -> None:
    anna, again = await converse(db), await converse(db)
    [id] = await anna.say("the secret apple")
    await again.say("a pear")
    await indexing.index()
    keys = {"embeddings": id, "messages": (await db.run("select message_id from embeddings where id = $1", id))[0][0]}
    await db.run(f"delete from {table} where id = $1", keys.get(table, anna.id))
    found = await search("the secret apple", anna.scope)
    assert (contents(found), found.by) == (["a pear"], "meaning and words")


async def test_what_is_said_right_before_and_after_is_a_candidate(db: Database, indexes: VectorIndexes) -> None:
    anna, other = await converse(db), await converse(db)
    await other.say("The end of another conversation")
    ids = await anna.say("Do you have any pets?", "A zebra, and what about you?", "Only plants", "Fine")
    await other.say(*["One more word there"] * SMALL)
    await index_words(db, 2 * SMALL)
    search = await Retrieval(db, indexes).gather("zebra", scopes=[anna.scope], now=NOW)
    candidates = search.candidates
    assert candidates.ids.tolist() == ids[:3]
    assert candidates.previous.tolist() == [-1, 0, 1]
    assert candidates.following.tolist() == [1, 2, -1]
    assert (candidates.frequency.tolist(), candidates.lengths.tolist()) == ([[0, 1, 0]], [1, 1, 1])
    assert (candidates.sessions.tolist(), candidates.scope.last_session) == ([0, 0, 0], 1)
    assert (candidates.scope.documents, candidates.positions.tolist()) == (5 + SMALL, [1, 2, 3])


async def test_a_document_of_the_bot_is_found_by_everybody(db: Database, indexing: Indexing, search: Search) -> None:
    anna = await converse(db)
    await anna.say("hello")
    [document] = await db.run(
        "insert into documents (bot_id, name, media_type, size, sha256, state) "
        "select id, 'handbook', 'text/plain', 1, '', 'ready' from bots where slug = 'default' returning id, scope"
    )
    await db.run(
        "insert into embeddings (scope, document_id, piece, role, speaker, content) select $1, $2, number, 'document', "
        "'handbook', content from unnest($3::text[]) with ordinality as piece (content, number)",
        document["scope"], document["id"], ["Vacations are thirty days", "Lunch at noon"],
    )  # fmt: skip
    await indexing.index()
    found = await search("How long is a vacation?", document["scope"])
    assert contents(found)[0] == "Vacations are thirty days"
    assert (found.passages[0].document_id, found.passages[0].message_id) == (document["id"], None)
    assert contents(await search("vacation", anna.scope)) == ["hello"]


@pytest.mark.parametrize(
    "question",
    ["", " ", "?!… —", "и не он", "\U0001f600", "x" * 100_000, "кот " * 25_000, "apple, " * 20_000, "'\"\\%_"],
)
async def test_any_question_gets_an_answer(db: Database, indexing: Indexing, search: Search, question: str) -> None:
    anna = await converse(db)
    await anna.say("an apple", "кот", "?")
    await indexing.index()
    assert set(contents(await search(question, anna.scope))) <= {"an apple", "кот", "?"}


async def test_searches_and_changes_at_once_disturb_nobody(db: Database, indexing: Indexing, search: Search) -> None:
    people = [await converse(db, f"person {number}") for number in range(4)]

    async def live(number: int) -> Sequence[str]:
        for count in range(5):
            await people[number].say(f"apple of number{number}", f"pear {count} of number{number}")
            await indexing.index()
            await db.run("delete from embeddings where scope = $1 and content like 'pear%'", people[number].scope)
        return contents(await search("apple", people[number].scope, limit=50))

    for number, found in enumerate(await asyncio.gather(*map(live, range(4)))):
        assert set(found) == {f"apple of number{number}"}
