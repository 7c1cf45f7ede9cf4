"""A new index is built beside the one in use, and switched to when it has everything."""

import asyncio

import pytest

from backend.bootstrap import Backend
from backend.database import Database
from backend.llm.embedder import EmbedderInvalid, EmbedderUnavailable
from backend.memory.indexing.reindexing import IndexBusy, reindex
from tests.backend.chat.conversation import Person
from tests.backend.memory.indexing.looking import Looking
from tests.conftest import MakeBackend
from tests.simulators.embeddings import Embeds
from tests.simulators.provider import Fails, Provider


def show(done: int, total: int) -> None:
    assert 0 < done <= total


@pytest.fixture
async def other(make_backend: MakeBackend, backend: Backend, anna: Person, provider: Provider) -> Backend:
    """A backend whose settings name another embedder than the one in use, which has indexed a few facts."""
    for number in range(5):
        await anna.says(f"fact number {number}")
    await backend.indexing.index()
    provider.embeddings.usual = Embeds(dimensions=32)
    return await make_backend(embeddings="other:words")


async def test_everything_is_in_the_new_index_when_it_is_in_use(other: Backend, looking: Looking, db: Database) -> None:
    before = await looking.vectors()
    new = await reindex(db, other.indexes, show)
    assert (new.index.embedder, new.index.dimensions) == ("other:words", 32)
    assert await looking.states() == [("retired", "stub:words"), ("active", "other:words")]
    assert await looking.vectors() == before


async def test_the_old_vectors_are_dropped_once_nobody_can_search_them(
    other: Backend, looking: Looking, db: Database
) -> None:
    old = await looking.index()
    await reindex(db, other.indexes, show)
    await other.indexing.sweep()
    assert await old.store.count(old.index) == 10
    await looking.time_out_leases()
    await other.indexing.sweep()
    assert await old.store.count(old.index) == 0
    assert await looking.states() == [("active", "other:words")]


async def test_another_process_notices_the_switch(
    other: Backend, backend: Backend, anna: Person, looking: Looking, db: Database, provider: Provider
) -> None:
    await reindex(db, other.indexes, show)
    await anna.says("I live in Kazan")
    await backend.indexing.index()
    assert await looking.pending() == []
    assert "I live in Kazan" in await looking.vectors()
    assert (await looking.index()).index.embedder == "other:words"


async def test_what_is_said_changed_and_deleted_meanwhile_is_right_afterwards(
    other: Backend, anna: Person, backend: Backend, looking: Looking, provider: Provider, db: Database
) -> None:
    gate = asyncio.Event()
    calls = len(provider.embeddings.calls)
    provider.embeddings.will(Embeds(32), Embeds(32, gate=gate))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(reindex(db, other.indexes, show))
        await provider.embeddings.called(calls + 2)
        provider.embeddings.will(Embeds())
        await anna.says("I live in Kazan")
        await backend.indexing.index()
        assert "I live in Kazan" in await looking.vectors()
        await db.run("delete from messages where content = 'fact number 1'")
        await db.run("update messages set content = 'fact number 200' where content = 'fact number 2'")
        provider.embeddings.will(Embeds())
        await backend.indexing.index()
        gate.set()
    assert await looking.states() == [("retired", "stub:words"), ("active", "other:words")]
    assert sorted(await looking.vectors()) == sorted(await looking.promised())
    assert await looking.pending() == []


async def test_a_killed_one_is_continued(
    other: Backend, make_backend: MakeBackend, looking: Looking, provider: Provider, db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("backend.memory.indexing.reindexing.BATCH", 2)
    provider.embeddings.will(Embeds(32), Embeds(32), Embeds(32), Fails(401))
    with pytest.raises(EmbedderUnavailable):
        await reindex(db, other.indexes, show)
    assert len(await looking.vectors("building")) == 4
    assert (await looking.states())[0] == ("active", "stub:words")
    before = [text for texts in provider.embeddings.texts for text in texts]
    await reindex(db, (await make_backend(embeddings="other:words")).indexes, show)
    after = [text for texts in provider.embeddings.texts for text in texts][len(before) :]
    assert sorted(await looking.vectors()) == sorted(await looking.promised())
    assert len([text for text in after if text.startswith("fact")]) <= 6


async def test_one_for_other_settings_is_given_up(
    other: Backend, make_backend: MakeBackend, looking: Looking, db: Database
) -> None:
    await other.indexes.make("building")
    third = await make_backend(embeddings="stub:other-words")
    await reindex(db, third.indexes, show)
    assert await looking.states() == [
        ("retired", "stub:words"), ("retired", "other:words"), ("active", "stub:other-words"),
    ]  # fmt: skip


async def test_two_at_once_do_not_disturb_each_other(
    other: Backend, looking: Looking, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.memory.indexing.reindexing.PATIENCE_SECONDS", 0)
    results = await asyncio.gather(
        reindex(db, other.indexes, show), reindex(db, other.indexes, show), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["IndexBusy", "OpenIndex"], results
    assert issubclass(IndexBusy, Exception)
    assert sorted(await looking.vectors()) == sorted(await looking.promised())


async def test_without_an_embedder_there_is_nothing_to_build(make_backend: MakeBackend, db: Database) -> None:
    with pytest.raises(EmbedderInvalid, match="EMBEDDINGS"):
        await reindex(db, (await make_backend(embeddings="")).indexes, show)


async def test_it_makes_the_first_index_too(backend: Backend, anna: Person, looking: Looking, db: Database) -> None:
    await anna.says("I live in Kazan")
    await reindex(db, backend.indexes, show)
    await backend.indexing.index()
    assert sorted(await looking.vectors()) == sorted(await looking.promised())
