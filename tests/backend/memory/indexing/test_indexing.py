"""Every promise is kept once: by words at once, by meaning as soon as there is an embedder and a store."""

import asyncio

import pytest
from structlog.testing import capture_logs

from backend.bootstrap import Backend
from backend.database import Database
from backend.memory.indexing.lease import Lease, LeaseLost
from tests.backend.chat.conversation import Person
from tests.backend.memory.indexing.looking import Looking
from tests.conftest import MakeBackend
from tests.simulators.embeddings import Embeds
from tests.simulators.provider import Fails, Provider


async def says(person: Person, count: int) -> None:
    for number in range(count):
        await person.says(f"fact number {number}")


async def test_what_was_said_is_found_by_words_and_by_meaning(anna: Person, backend: Backend, looking: Looking) -> None:
    await anna.says("I live in Kazan")
    await anna.says("My dog is called Rex")
    assert not await backend.indexing.index()
    assert await looking.pending() == []
    assert await looking.wordless() == 0
    assert sorted(await looking.vectors()) == sorted(await looking.promised())
    assert "dog" in await looking.nearest("the dog")


async def test_each_text_is_embedded_once(anna: Person, backend: Backend, provider: Provider) -> None:
    await says(anna, 3)
    await anna.says("fact number 1")
    await backend.indexing.index()
    await backend.indexing.index()
    asked_for_size, *texts = [text for texts in provider.embeddings.texts for text in texts]
    assert len(texts) == len(set(texts)), asked_for_size


async def test_without_an_embedder_words_are_indexed_and_vectors_are_made_once_there_is_one(
    make_backend: MakeBackend, backend: Backend, looking: Looking, db: Database
) -> None:
    wordy = await make_backend(embeddings="")
    await Person(wordy).says("I live in Kazan")
    await wordy.indexing.index()
    assert await looking.wordless() == 0
    assert len(await looking.pending()) == 2
    assert await looking.states() == []
    await backend.indexing.index()
    assert await looking.pending() == []
    assert await looking.states() == [("active", "stub:words")]


async def test_an_embedder_that_fails_is_left_alone_and_everything_stays_pending(
    anna: Person, backend: Backend, make_backend: MakeBackend, looking: Looking, provider: Provider
) -> None:
    await anna.says("hello")
    await backend.indexing.index()
    await says(anna, 2)
    provider.embeddings.usual = Fails(401)
    calls = len(provider.embeddings.calls)
    for _ in range(5):
        await backend.indexing.index()
    assert len(provider.embeddings.calls) == calls + 1
    assert len(await looking.pending()) == 4
    assert await looking.wordless() == 0
    provider.embeddings.usual = Embeds()
    await (await make_backend(embeddings="stub:words")).indexing.index()
    assert await looking.pending() == []


async def test_an_embedder_of_another_size_writes_nothing(
    anna: Person, backend: Backend, make_backend: MakeBackend, looking: Looking, provider: Provider
) -> None:
    await anna.says("hello")
    await backend.indexing.index()
    before = await looking.vectors()
    await says(anna, 1)
    provider.embeddings.usual = Embeds(dimensions=7)
    with capture_logs() as logs:
        await backend.indexing.index()
    [paused] = [entry for entry in logs if entry["event"] == "indexing_paused"]
    assert "7" in paused["reason"]
    assert "llmbot reindex" in paused["reason"]
    assert await looking.vectors() == before
    assert len(await looking.pending()) == 2


async def test_what_the_settings_name_by_now_changes_nothing(
    anna: Person, backend: Backend, make_backend: MakeBackend, looking: Looking, provider: Provider
) -> None:
    await anna.says("hello")
    await backend.indexing.index()
    other = await make_backend(embeddings="other:words")
    await says(anna, 1)
    await other.indexing.index()
    assert await looking.states() == [("active", "stub:words")]
    assert {call.body["model"] for call in provider.embeddings.calls} == {"words"}
    active = await other.indexes.active()
    assert active
    assert "llmbot reindex" in other.indexes.chosen_differs(active.index)
    assert not backend.indexes.chosen_differs(active.index)


async def test_two_at_once_embed_everything_once(
    anna: Person, backend: Backend, make_backend: MakeBackend, looking: Looking, provider: Provider
) -> None:
    await anna.says("hello")
    await backend.indexing.index()
    await says(anna, 5)
    other = await make_backend(embeddings="stub:words")
    before = len(provider.embeddings.calls)
    await asyncio.gather(backend.indexing.index(), other.indexing.index())
    texts = [text for texts in provider.embeddings.texts[before:] for text in texts]
    assert len(texts) == len(set(texts))
    assert await looking.pending() == []


async def test_what_a_killed_process_held_is_taken_over_when_its_lease_ends(
    anna: Person, backend: Backend, looking: Looking, db: Database
) -> None:
    await anna.says("hello")
    await backend.indexing.index()
    await says(anna, 1)
    held = await Lease.take(db, (await looking.index()).index.id)
    assert held
    await backend.indexing.index()
    assert len(await looking.pending()) == 2
    await looking.time_out_leases()
    await backend.indexing.index()
    assert await looking.pending() == []
    with pytest.raises(LeaseLost):
        await held.renew()


async def test_who_lost_the_lease_while_embedding_writes_nothing(
    anna: Person, backend: Backend, looking: Looking, provider: Provider
) -> None:
    await anna.says("hello")
    await backend.indexing.index()
    before = await looking.vectors()
    await says(anna, 1)
    gate = asyncio.Event()
    calls = len(provider.embeddings.calls)
    provider.embeddings.will(Embeds(gate=gate))
    async with asyncio.TaskGroup() as tasks:
        late = tasks.create_task(backend.indexing.index())
        await provider.embeddings.called(calls + 1)
        await looking.time_out_leases()
        gate.set()
        await late
    assert await looking.vectors() == before
    assert len(await looking.pending()) == 2


async def test_what_is_deleted_while_its_vector_is_made_has_none_afterwards(
    anna: Person, backend: Backend, looking: Looking, provider: Provider, db: Database
) -> None:
    await anna.says("hello")
    await backend.indexing.index()
    await anna.says("I live in Kazan")
    gate = asyncio.Event()
    calls = len(provider.embeddings.calls)
    provider.embeddings.will(Embeds(gate=gate))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(backend.indexing.index())
        await provider.embeddings.called(calls + 1)
        gone = await db.run("delete from embeddings where content ~ 'Kazan' returning id")
        await backend.indexing.forget([row["id"] for row in gone])
        gate.set()
    assert sorted(await looking.vectors()) == sorted(await looking.promised())
    assert len(await looking.promised()) == 2
    assert not await db.run("select from forgotten_vectors")


async def test_what_is_changed_while_its_vector_is_made_gets_the_right_one(
    anna: Person, backend: Backend, looking: Looking, provider: Provider, db: Database
) -> None:
    await anna.says("I live in Kazan")
    gate = asyncio.Event()
    provider.embeddings.will(Embeds(), Embeds(gate=gate))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(backend.indexing.index())
        await provider.embeddings.called(2)
        await db.run("update embeddings set content = 'I live in Samara' where role = 'user'")
        gate.set()
    assert await looking.pending() == []
    assert [texts for texts in provider.embeddings.texts if "I live in Samara" in texts]


async def test_vectors_that_were_lost_are_made_again(
    anna: Person, backend: Backend, looking: Looking, provider: Provider, db: Database
) -> None:
    await says(anna, 3)
    await backend.indexing.index()
    one = await looking.index()
    assert not (await backend.indexing.compare(one)).differ
    [lost] = await db.run("select id from embeddings where content = 'fact number 1' and role = 'user'")
    await one.store.delete(one.index, [lost["id"]])
    counted = await backend.indexing.compare(one)
    assert (counted.rows, counted.vectors, counted.missing, counted.strays) == (6, 5, 1, 0)
    await backend.indexing.reconcile()
    await backend.indexing.index()
    assert not (await backend.indexing.compare(one)).differ
    assert len(await looking.vectors()) == 6
