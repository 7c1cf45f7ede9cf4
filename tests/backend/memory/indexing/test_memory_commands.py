"""`llmbot memory check` and `llmbot reindex`, as they are typed, on both stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.bootstrap import Backend
from backend.database import Database
from backend.memory.scopes import Whose
from backend.settings import Settings
from tests.backend.chat.conversation import Person
from tests.backend.cli.typed import Typed, llmbot
from tests.backend.memory.indexing.looking import Looking
from tests.conftest import MakeBackend
from tests.simulators.qdrant import Qdrant


@pytest.fixture
async def qdrant(tmp_path: Path) -> AsyncIterator[Qdrant]:
    async with Qdrant(tmp_path) as qdrant:
        yield qdrant


async def test_without_an_index_there_is_nothing_to_compare(settings: Settings, db: Database) -> None:
    checked = await llmbot(settings, "memory", "check")
    assert checked == Typed(0, "There is no vector index: what was said is found by words alone.\n")


async def test_check_says_what_is_there_and_what_is_missing(
    settings: Settings, backend: Backend, anna: Person, looking: Looking, db: Database
) -> None:
    await anna.says("I live in Kazan")
    await backend.indexing.index()
    checked = await llmbot(settings, "memory", "check", EMBEDDINGS="stub:words")
    assert checked == Typed(
        0,
        "stub:words in pgvector, 256 dimensions (active)\n    2 pieces indexed, 2 vectors, 0 pending\n",
    )
    one = await looking.index()
    await one.store.delete(one.index, await one.store.ids(one.index, after=0, limit=1))
    checked = await llmbot(settings, "memory", "check")
    assert (checked.status, "1 without a vector, 0 vectors of nothing" in checked.said) == (1, True)
    repaired = await llmbot(settings, "memory", "check", "--repair")
    assert (repaired.status, "1 will be made by the worker" in repaired.said) == (0, True)
    await backend.indexing.index()
    assert (await llmbot(settings, "memory", "check")).status == 0


async def test_check_says_when_the_settings_name_something_else(
    settings: Settings, backend: Backend, anna: Person
) -> None:
    await anna.says("I live in Kazan")
    await backend.indexing.index()
    checked = await llmbot(settings, "memory", "check", EMBEDDINGS="other:words")
    assert (checked.status, "run `llmbot reindex`" in checked.said) == (1, True)


async def test_reindex_moves_everything_to_another_store_and_back(
    settings: Settings, backend: Backend, anna: Person, looking: Looking, qdrant: Qdrant
) -> None:
    for number in range(3):
        await anna.says(f"fact number {number}")
    await backend.indexing.index()
    done = await llmbot(settings, "reindex", EMBEDDINGS="stub:words", QDRANT_URL=qdrant.url)
    assert done.status == 0, done.said
    assert "6 of 6 pieces" in done.said
    assert "stub:words in qdrant is in use now" in done.said
    assert await looking.states() == [("retired", "stub:words"), ("active", "stub:words")]
    left = await llmbot(settings, "memory", "check", EMBEDDINGS="stub:words")
    assert (left.status, left.said) == (1, "The vectors are in qdrant: set its address, or run `llmbot reindex`.\n")
    back = await llmbot(settings, "reindex", EMBEDDINGS="stub:words")
    assert back.status == 0, back.said
    assert sorted(await looking.vectors()) == sorted(await looking.promised())


async def test_vectors_of_nothing_are_found_and_deleted(
    settings: Settings, make_backend: MakeBackend, db: Database, qdrant: Qdrant
) -> None:
    moved = await make_backend(embeddings="stub:words", qdrant_url=qdrant.url)
    there, anna = Looking(db, moved.indexes), Person(moved)
    for number in range(3):
        await anna.says(f"fact number {number}")
    await moved.indexing.index()
    variables = {"EMBEDDINGS": "stub:words", "QDRANT_URL": qdrant.url}
    await db.run("delete from embeddings where content ~ 'fact number 1'")
    await db.run("truncate forgotten_vectors")
    checked = await llmbot(settings, "memory", "check", **variables)
    assert (checked.status, "0 without a vector, 2 vectors of nothing" in checked.said) == (1, True), checked.said
    await moved.indexing.reconcile()
    assert sorted(await there.vectors()) == sorted(await there.promised())
    await db.run("delete from messages where content ~ 'fact number 2'")
    await moved.indexing.index()
    assert sorted(await there.vectors()) == sorted(await there.promised())
    assert len(await there.vectors()) == 2


async def test_who_is_forgotten_gets_a_receipt(settings: Settings, backend: Backend, anna: Person) -> None:
    await anna.says("I live in Kazan")
    await backend.indexing.index()
    forgotten = await llmbot(settings, "memory", "forget", "--user", "anna", EMBEDDINGS="stub:words")
    receipt = dict(line.split() for line in forgotten.said.splitlines())
    assert forgotten.status == 0
    assert (receipt["messages"], receipt["vectors"], receipt["left"], receipt["found"]) == ("2", "2", "0", "0")
    assert await anna.transcript() == []


async def test_nobody_is_forgotten_without_a_name(settings: Settings, backend: Backend) -> None:
    everybodys = await backend.documents.add(Whose("default"), b"Open from 9 to 6", file_name="hours.txt", name="Hours")
    refused = await llmbot(settings, "memory", "forget", "--user", "")
    assert (refused.status, "must not be empty" in refused.said) == (2, True)
    assert (await backend.documents.get(everybodys["id"]))["name"] == "Hours"
