"""What every vector store promises, tried on each of them."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import numpy as np
import pytest

from backend.memory.vectors import DimensionsDiffer, VectorStoreUnavailable
from tests.backend.memory.vectors.shelf import DIMENSIONS, Shelf, nearest, some_vectors
from tests.processes import in_time

# Stores keep two bytes per dimension, or less.
ABOUT = 2e-3
NO_VECTORS = some_vectors(0, seed=0)
QUESTIONS = some_vectors(4, seed=99)


async def test_the_nearest_are_found_best_first_with_their_cosines(shelf: Shelf) -> None:
    scope = uuid4()
    ids, vectors = await shelf.fill(300, scope)
    found = await shelf.store.search(shelf.index, QUESTIONS, [scope], 20)
    assert len(found) == len(QUESTIONS)
    for question, each in zip(QUESTIONS, found, strict=True):
        expected = nearest(question, ids, vectors, 20)
        assert [cosine for _, cosine in each] == pytest.approx([cosine for _, cosine in expected], abs=ABOUT)
        assert [cosine for _, cosine in each] == sorted((cosine for _, cosine in each), reverse=True)
        assert len({id for id, _ in each} & {id for id, _ in expected}) >= 19  # equals may change places


async def test_nearly_all_of_the_nearest_are_found_in_a_large_memory(shelf: Shelf) -> None:
    index, scope = await shelf.another_index(dimensions=384), uuid4()
    ids, vectors = await shelf.promise(4_000), some_vectors(4_000, seed=1, dimensions=384)
    for begin in range(0, len(ids), 500):
        part = slice(begin, begin + 500)
        await shelf.store.put(index, ids[part], [scope] * 500, vectors[part])
    questions = some_vectors(20, seed=2, dimensions=384)
    found = await shelf.store.search(index, questions, [scope], 50)
    shares = [
        len({id for id, _ in each} & {id for id, _ in nearest(question, ids, vectors, 50)}) / 50
        for question, each in zip(questions, found, strict=True)
    ]
    assert np.mean(shares) > 0.98
    await shelf.store.drop(index)


async def test_a_search_never_leaves_its_scope(shelf: Shelf) -> None:
    scopes = [uuid4() for _ in range(300)]
    ids, vectors = await shelf.promise(900), some_vectors(900, seed=3)
    await shelf.store.put(shelf.index, ids, scopes * 3, vectors)
    for place, scope in enumerate(scopes):
        found = await shelf.store.search(shelf.index, QUESTIONS[:2], [scope], 50)
        for each in found:
            assert sorted(id for id, _ in each) == [ids[place], ids[place + 300], ids[place + 600]]
    assert await shelf.store.search(shelf.index, QUESTIONS[:2], [uuid4()], 50) == [[], []]


async def test_several_scopes_are_searched_as_one(shelf: Shelf) -> None:
    mine, of_the_bot = uuid4(), uuid4()
    expected = {*(await shelf.fill(3, mine))[0], *(await shelf.fill(4, of_the_bot))[0]}
    await shelf.fill(5)
    [found] = await shelf.store.search(shelf.index, QUESTIONS[:1], [mine, of_the_bot, mine], 50)
    assert sorted(id for id, _ in found) == sorted(expected)


async def test_a_limit_may_be_larger_than_anything(shelf: Shelf) -> None:
    scope = uuid4()
    ids, _ = await shelf.fill(700, scope)
    [found] = await shelf.store.search(shelf.index, QUESTIONS[:1], [scope], 1_000_000)
    assert sorted(id for id, _ in found) == ids


async def test_nothing_asks_for_nothing(shelf: Shelf) -> None:
    scope = uuid4()
    ids, _ = await shelf.fill(2, scope)
    await shelf.store.put(shelf.index, [], [], NO_VECTORS)
    await shelf.store.delete(shelf.index, [])
    assert await shelf.store.search(shelf.index, NO_VECTORS, [scope], 5) == []
    assert await shelf.store.search(shelf.index, QUESTIONS, [], 5) == [[], [], [], []]
    assert await shelf.store.search(shelf.index, QUESTIONS[:1], [scope], 0) == [[]]
    assert (await shelf.store.scores(shelf.index, NO_VECTORS, ids)).shape == (0, 2)
    assert (await shelf.store.scores(shelf.index, QUESTIONS, [])).shape == (4, 0)
    assert await shelf.stored() == ids


async def test_a_vector_put_again_replaces_the_former(shelf: Shelf) -> None:
    before, after = uuid4(), uuid4()
    ids, _ = await shelf.fill(3, before)
    vectors = some_vectors(3, seed=4)
    for _ in range(2):
        await shelf.store.put(shelf.index, ids, [after] * 3, vectors)
    assert await shelf.store.count(shelf.index) == 3
    assert await shelf.store.search(shelf.index, QUESTIONS[:1], [before], 5) == [[]]
    scores = await shelf.store.scores(shelf.index, QUESTIONS, ids)
    np.testing.assert_allclose(scores, QUESTIONS @ vectors.T, atol=ABOUT)


async def test_of_vectors_for_one_id_the_last_stays(shelf: Shelf) -> None:
    [id], vectors = await shelf.promise(1), some_vectors(3, seed=5)
    await shelf.store.put(shelf.index, [id] * 3, [uuid4(), uuid4(), scope := uuid4()], vectors)
    [[(found, cosine)]] = await shelf.store.search(shelf.index, QUESTIONS[:1], [scope], 5)
    assert found == id
    assert cosine == pytest.approx(float(QUESTIONS[0] @ vectors[2]), abs=ABOUT)
    assert await shelf.store.count(shelf.index) == 1


async def test_who_write_the_same_at_once_do_not_hinder_each_other(shelf: Shelf) -> None:
    ids, vectors, scope = await shelf.promise(200), some_vectors(200, seed=6), uuid4()
    orders = [np.random.default_rng(seed).permutation(200) for seed in range(6)]
    await asyncio.gather(
        *(shelf.store.put(shelf.index, [ids[i] for i in order], [scope] * 200, vectors[order]) for order in orders)
    )
    assert await shelf.stored() == ids
    scores = await shelf.store.scores(shelf.index, QUESTIONS, ids)
    np.testing.assert_allclose(scores, QUESTIONS @ vectors.T, atol=ABOUT)


async def test_what_is_deleted_is_not_found_again(shelf: Shelf) -> None:
    scope = uuid4()
    ids, _ = await shelf.fill(5, scope)
    await shelf.store.delete(shelf.index, [*ids[:2], ids[0], 999_999_999])
    await shelf.store.delete(shelf.index, ids[:2])
    [found] = await shelf.store.search(shelf.index, QUESTIONS[:1], [scope], 5)
    assert sorted(id for id, _ in found) == await shelf.stored() == ids[2:]


async def test_scores_are_told_for_every_id_and_are_nan_without_a_vector(shelf: Shelf) -> None:
    ids, vectors = await shelf.fill(3)
    scores = await shelf.store.scores(shelf.index, QUESTIONS, [ids[2], 999_999_999, ids[0], ids[2]])
    assert scores.dtype == np.float32
    expected = QUESTIONS @ vectors[[2, 0, 0, 2]].T
    expected[:, 1] = np.nan
    np.testing.assert_allclose(scores, expected, atol=ABOUT)


async def test_vectors_are_counted_by_scope_and_listed_in_order(shelf: Shelf) -> None:
    mine = uuid4()
    await shelf.fill(3, mine)
    await shelf.fill(4)
    assert (await shelf.store.count(shelf.index, mine), await shelf.store.count(shelf.index)) == (3, 7)
    assert await shelf.store.count(shelf.index, uuid4()) == 0
    listed: list[int] = []
    for length in (2, 2, 2, 1, 0):
        page = await shelf.store.ids(shelf.index, after=listed[-1] if listed else 0, limit=2)
        assert len(page) == length
        listed += page
    assert listed == sorted(listed) == await shelf.stored()


async def test_vectors_of_other_dimensions_are_refused(shelf: Shelf) -> None:
    [id], wrong = await shelf.promise(1), some_vectors(1, seed=8, dimensions=DIMENSIONS + 1)
    for refused in (
        shelf.store.put(shelf.index, [id], [uuid4()], wrong),
        shelf.store.search(shelf.index, wrong, [uuid4()], 5),
        shelf.store.scores(shelf.index, wrong, [id]),
    ):
        with pytest.raises(DimensionsDiffer, match=r"24 dimensions.* 1x25.*llmbot reindex"):
            await refused
    assert await shelf.stored() == []


async def test_indexes_do_not_see_each_other(shelf: Shelf) -> None:
    scope, other = uuid4(), await shelf.another_index(dimensions=3)
    ids, _ = await shelf.fill(4, scope)
    await shelf.store.put(other, ids[:1], [scope], some_vectors(1, seed=1, dimensions=3))
    await shelf.store.delete(other, ids[1:])
    for _ in range(2):
        await shelf.store.create(shelf.index)
        await shelf.store.drop(other)
        assert await shelf.store.count(other) == 0
        assert await shelf.store.ids(other, after=0, limit=5) == []
        await shelf.store.delete(other, ids)
        assert await shelf.stored() == ids


async def test_what_was_acknowledged_outlives_a_kill(shelf: Shelf) -> None:
    ids, vectors, acknowledged = await shelf.promise(2_000), some_vectors(2_000, seed=9), []
    started = asyncio.Event()

    async def write() -> None:
        for begin in range(0, 2_000, 20):
            part = slice(begin, begin + 20)
            await shelf.store.put(shelf.index, ids[part], [uuid4()] * 20, vectors[part])
            acknowledged.extend(ids[part])
            started.set()

    writing = asyncio.ensure_future(write())
    await in_time(started.wait())
    await shelf.kill()
    with pytest.raises(VectorStoreUnavailable):
        await in_time(writing)
    await shelf.revive()
    assert set(acknowledged) <= set(await shelf.stored())
    scores = await shelf.store.scores(shelf.index, QUESTIONS, acknowledged)
    np.testing.assert_allclose(scores, QUESTIONS @ vectors[: len(acknowledged)].T, atol=ABOUT)


async def test_a_store_that_is_away_is_reported_as_unavailable_in_time(shelf: Shelf) -> None:
    [id], vector = await shelf.promise(1), some_vectors(1, seed=8)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: shelf.store.put(shelf.index, [id], [uuid4()], vector),
        lambda: shelf.store.search(shelf.index, vector, [uuid4()], 5),
        lambda: shelf.store.scores(shelf.index, vector, [id]),
        lambda: shelf.store.count(shelf.index),
        lambda: shelf.store.ids(shelf.index, after=0, limit=5),
        lambda: shelf.store.delete(shelf.index, [id]),
        lambda: shelf.store.drop(shelf.index),
    ]
    await shelf.kill()
    try:
        for call in calls:
            with pytest.raises(VectorStoreUnavailable):
                await in_time(call())
    finally:
        await shelf.revive()
    await shelf.store.put(shelf.index, [id], [uuid4()], vector)
    assert await shelf.stored() == [id]
