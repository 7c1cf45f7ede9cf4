"""A group goes on under another id: nothing that was said in it is forgotten, and nothing is left under the old one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from backend.bootstrap import Backend
from backend.bots import BotNotFound
from backend.database import Record
from backend.memory.scopes import Whose, scopes_of
from tests.backend.chat.conversation import Person
from tests.backend.chat.test_delivering import to_deliver
from tests.backend.chat.test_memory import NOW
from tests.conftest import MakeBackend
from tests.simulators.provider import Answer, Provider
from tests.simulators.qdrant import Qdrant as QdrantServer

OLD, NEW = Whose("default", chat_id="-5"), Whose("default", chat_id="-1005")


@pytest.fixture(params=["pgvector", "qdrant"])
async def backend(
    request: pytest.FixtureRequest, make_backend: MakeBackend, provider: Provider, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Backend]:  # fmt: skip
    monkeypatch.setenv("STUB_BASE_URL", provider.base_url)
    provider.usual = Answer("Understood.")
    if request.param == "pgvector":
        yield await make_backend(embeddings="stub:words")
        return
    async with QdrantServer(tmp_path) as server:
        yield await make_backend(embeddings="stub:words", qdrant_url=server.url)


@pytest.fixture
def anna(backend: Backend) -> Person:
    return Person(backend, "anna", "-5", chat_type="group", user_name="Anna")


async def found(backend: Backend, whose: Whose, question: str) -> list[str]:
    search = await backend.memory.search(whose, question, at=NOW, limit=10)
    return [passage.content for passage in search.passages]


async def vectors(backend: Backend, whose: Whose) -> int:
    """How many there are in the store."""
    scope = (await scopes_of(backend.db, whose))[0]
    [one] = await backend.indexes.all()
    return await one.store.count(one.index, scope)


async def sessions(backend: Backend) -> list[Record]:
    return await backend.db.run("select * from chat_sessions order by created_at")


async def move(backend: Backend) -> int:
    return await backend.chat.move("default", "-5", "-1005")


async def add_document(backend: Backend, whose: Whose) -> UUID:
    added = await backend.documents.add(whose, b"The deposit is 900 euros.", file_name="a.txt", name="Contract")
    await backend.documents.read(added["id"])
    return UUID(str(added["id"]))


async def test_what_was_said_is_found_under_the_new_id_only(backend: Backend, anna: Person) -> None:
    boris = replace(anna, user_id="boris", user_name="Boris", thread_id="7")
    await anna.says("My cat is called Luna")
    await boris.says("My dog is called Rex")
    await backend.indexing.index()
    assert "My cat is called Luna" in await found(backend, OLD, "What is the cat called?")
    assert await move(backend) == 2
    await backend.indexing.index()
    topic = replace(NEW, thread_id="7")
    assert "My cat is called Luna" in await found(backend, NEW, "What is the cat called?")
    assert "My dog is called Rex" in await found(backend, topic, "What is the dog called?")
    assert await found(backend, OLD, "What is the cat called?") == []
    assert [await vectors(backend, whose) for whose in (OLD, replace(OLD, thread_id="7"), NEW, topic)] == [0, 0, 2, 2]


async def test_nothing_that_is_counted_is_left_behind_or_counted_twice(backend: Backend, anna: Person) -> None:
    await anna.says("My cat is called Luna")
    await backend.indexing.index()
    counted = await backend.db.run("select pieces, length, speakers from scopes")
    words = await backend.db.run("select embedding_id, times, length from words order by 1, key, 2")
    await move(backend)
    assert await backend.db.run("select from scopes") == await backend.db.run("select from words") == []
    await backend.indexing.index()
    assert await backend.db.run("select pieces, length, speakers from scopes") == counted
    moved = await backend.db.run("select embedding_id, times, length from words order by 1, key, 2")
    assert sorted(map(tuple, moved)) == sorted(map(tuple, words))


async def test_a_dialogue_goes_on_as_the_same_session(backend: Backend, anna: Person) -> None:
    before = await anna.says("My cat is called Luna")
    await move(backend)
    after = await replace(anna, chat_id="-1005", chat_type="supergroup").says("What is it called?")
    assert after.session_id == before.session_id
    [session] = await sessions(backend)
    assert (session["chat_id"], session["chat_type"], session["is_active"]) == ("-1005", "supergroup", True)


async def test_a_dialogue_that_has_begun_there_goes_on_and_the_older_one_is_closed(
    backend: Backend, anna: Person
) -> None:
    older = await anna.says("My cat is called Luna")
    newer = await replace(anna, chat_id="-1005", chat_type="supergroup").says("Hello")
    await replace(anna, user_id="boris").says("Nobody else talks here")
    await move(backend)
    rows = {row["id"]: row for row in await sessions(backend)}
    assert {row["chat_id"] for row in rows.values()} == {"-1005"}
    assert [rows[reply.session_id]["is_active"] for reply in (older, newer)] == [False, True]
    assert rows[older.session_id]["closed_at"]
    assert sum(row["is_active"] for row in rows.values()) == 2
    await backend.indexing.index()
    assert "My cat is called Luna" in await found(backend, NEW, "What is the cat called?")


async def test_it_is_safe_to_repeat(backend: Backend, anna: Person) -> None:
    await anna.says("My cat is called Luna")
    assert [await move(backend), await move(backend)] == [1, 0]
    assert await backend.chat.move("default", "-1005", "-1005") == 0
    await backend.indexing.index()
    assert "My cat is called Luna" in await found(backend, NEW, "What is the cat called?")


async def test_documents_go_with_it(backend: Backend, anna: Person) -> None:
    document = await add_document(backend, OLD)
    await backend.indexing.index()
    await move(backend)
    await backend.indexing.index()
    assert (await backend.documents.get(document))["chat_id"] == "-1005"
    assert await found(backend, NEW, "How much is the deposit?") == ["Contract\nThe deposit is 900 euros."]
    assert await vectors(backend, OLD) == 0


async def test_a_file_that_is_there_already_is_there_once(backend: Backend, anna: Person) -> None:
    await add_document(backend, OLD)
    there = await add_document(backend, NEW)
    await backend.indexing.index()
    await move(backend)
    await backend.indexing.index()
    assert [row["id"] for row in await backend.db.run("select id from documents")] == [there]
    assert await found(backend, NEW, "How much is the deposit?") == ["Contract\nThe deposit is 900 euros."]
    assert [await vectors(backend, OLD), await vectors(backend, NEW)] == [0, 1]


async def test_what_is_said_elsewhere_stays_there(backend: Backend, anna: Person) -> None:
    await backend.db.run("insert into bots (slug, name) values ('other', 'Other')")
    await replace(anna, bot="other").says("My cat is called Luna")
    await replace(anna, chat_id="-6").says("My cat is called Luna")
    await replace(anna, chat_type="private").says("My cat is called Luna")
    await backend.indexing.index()
    assert await move(backend) == 0
    assert [row["chat_id"] for row in await sessions(backend)] == ["-5", "-6", "-5"]
    assert await backend.db.run("select from embeddings where indexed_at is null or length is null") == []


async def test_what_waits_to_be_handed_out_goes_to_the_new_group_and_replies_to_nothing(
    backend: Backend, anna: Person, provider: Provider
) -> None:
    insert = "insert into deliveries (bot_id, chat_id, reply_to, kind, content, state)"
    await backend.db.run(f"{insert} select id, '-5', '7', 'notice', 'x', 'sent' from bots")
    await backend.db.run(f"{insert} select id, '-5', '8', 'notice', 'x', 'pending' from bots")
    provider.will(Answer(delay=3600))
    underway = await backend.chat.accept(replace(to_deliver(anna, "When?"), reply_to="9"))
    await provider.called()
    await move(backend)
    await backend.db.run("update turns set owner = 0 where id = $1", underway.turn_id)
    async for _ in backend.chat.follow(underway):
        pass
    rows = await backend.db.run("select chat_id, reply_to from deliveries order by id")
    assert [tuple(row) for row in rows] == [("-5", "7"), ("-1005", ""), ("-1005", "")]


async def test_whoever_might_talk_there_still_may(backend: Backend) -> None:
    await backend.db.run("update bots set allowed_chat_ids = '{-4,-5,-1005}'")
    await move(backend)
    assert (await backend.bots.get("default"))["allowed_chat_ids"] == ["-4", "-1005"]


async def test_a_bot_that_is_not_there_is_told(backend: Backend) -> None:
    with pytest.raises(BotNotFound):
        await backend.chat.move("nobody", "-5", "-1005")
