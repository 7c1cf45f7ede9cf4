"""Vectors in Qdrant: a collection for every vector index."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import numpy as np

from backend.memory.vectors.qdrant_wire import Refused, Wire
from backend.memory.vectors.store import (
    DimensionsDiffer,
    Found,
    VectorIndex,
    Vectors,
    VectorStoreUnavailable,
    last_of_each,
)

PUT_AT_ONCE = 256
DELETED_AT_ONCE = 10_000

# The whole vectors stay on disk, and a small copy of each in memory: a byte per dimension, or a bit where there are so
# many dimensions that it suffices. What the copies find is compared again by the whole vectors.
BITS_FROM_DIMENSIONS = 1024
BYTES = {"scalar": {"type": "int8", "quantile": 0.99, "always_ram": True}}
BITS = {"binary": {"always_ram": True}}
THOROUGHLY = {"hnsw_ef": 256, "quantization": {"rescore": True, "oversampling": 3.0}}
EXACTLY = {"exact": True, "quantization": {"ignore": True}}
# Nobody searches all scopes at once: there is a graph for each, and none over all of them.
GRAPHS = {"m": 0, "payload_m": 16}
SCOPE_INDEX = {"field_name": "scope", "field_schema": {"type": "uuid", "is_tenant": True}}


class _CollectionMissing(Exception):
    """Qdrant has no collection for this vector index."""


class Qdrant:
    """A Qdrant server, or several that act as one."""

    name = "qdrant"

    def __init__(self, url: str, key: str = "") -> None:
        self._wire = Wire(url, key)

    async def create(self, index: VectorIndex) -> None:
        try:
            await self._wire.write("PUT", _collection(index), _form(index))
        except Refused as refused:
            if refused.code != 409:
                raise
            await self._check_size(index)
        await self._wire.write("PUT", f"{_collection(index)}/index?wait=true", SCOPE_INDEX)

    async def drop(self, index: VectorIndex) -> None:
        await self._wire.write("DELETE", _collection(index))

    async def put(self, index: VectorIndex, ids: Sequence[int], scopes: Sequence[UUID], vectors: Vectors) -> None:
        """A collection that was lost is made again: the reconciler will fill it."""
        index.check(vectors)
        places = list(last_of_each(ids).values())
        for begin in range(0, len(places), PUT_AT_ONCE):
            part = places[begin : begin + PUT_AT_ONCE]
            points = {
                "ids": [ids[place] for place in part],
                "vectors": _rows(vectors[part]),
                "payloads": [{"scope": str(scopes[place])} for place in part],
            }
            try:
                await self._write_points("PUT", index, "", {"batch": points})
            except _CollectionMissing:
                await self.create(index)
                await self._write_points("PUT", index, "", {"batch": points})

    async def delete(self, index: VectorIndex, ids: Sequence[int]) -> None:
        with suppress(_CollectionMissing):
            for begin in range(0, len(ids), DELETED_AT_ONCE):
                points = list(ids[begin : begin + DELETED_AT_ONCE])
                await self._write_points("POST", index, "/delete", {"points": points})

    async def search(self, index: VectorIndex, questions: Vectors, scopes: Sequence[UUID], limit: int) -> list[Found]:
        index.check(questions)
        if not scopes or limit < 1:
            return [[] for _ in questions]
        return await self._query(index, questions, {"limit": limit, "filter": _within(scopes), "params": THOROUGHLY})

    async def scores(self, index: VectorIndex, questions: Vectors, ids: Sequence[int]) -> Vectors:
        index.check(questions)
        table = np.full((len(questions), len(ids)), np.nan, np.float32)
        if ids:
            among = sorted(set(ids))
            asked = {"limit": len(among), "filter": {"must": [{"has_id": among}]}, "params": EXACTLY}
            for place, found in enumerate(await self._query(index, questions, asked)):
                cosines = dict(found)
                table[place] = [cosines.get(id, np.nan) for id in ids]
        return table

    async def count(self, index: VectorIndex, scope: UUID | None = None) -> int:
        among = {} if scope is None else {"filter": _within([scope])}
        with suppress(_CollectionMissing):
            return int((await self._read_points(index, "/count", {"exact": True, **among}))["count"])
        return 0

    async def ids(self, index: VectorIndex, *, after: int, limit: int) -> list[int]:
        page = {"offset": after + 1, "limit": limit, "with_payload": False, "with_vector": False}
        with suppress(_CollectionMissing):
            return [point["id"] for point in (await self._read_points(index, "/scroll", page))["points"]]
        return []

    async def close(self) -> None:
        await self._wire.close()

    async def _query(self, index: VectorIndex, questions: Vectors, asked: dict[str, Any]) -> list[Found]:
        if not len(questions):
            return []
        searches = [{"query": question, "with_payload": False, **asked} for question in _rows(questions)]
        try:
            found = await self._read_points(index, "/query/batch", {"searches": searches})
        except _CollectionMissing as missing:
            raise VectorStoreUnavailable(str(missing)) from None
        return [[(point["id"], point["score"]) for point in each["points"]] for each in found]

    async def _read_points(self, index: VectorIndex, path: str, body: dict[str, Any]) -> Any:
        try:
            return await self._wire.read("POST", f"{_collection(index)}/points{path}", body)
        except Refused as refused:
            raise _missing(index, refused) from None

    async def _write_points(self, method: str, index: VectorIndex, path: str, body: dict[str, Any]) -> None:
        try:
            await self._wire.write(method, f"{_collection(index)}/points{path}?wait=true&ordering=strong", body)
        except Refused as refused:
            raise _missing(index, refused) from None

    async def _check_size(self, index: VectorIndex) -> None:
        size = (await self._wire.read("GET", _collection(index)))["config"]["params"]["vectors"]["size"]
        if size != index.dimensions:
            raise DimensionsDiffer(
                f"Qdrant's collection {_collection(index)} holds vectors of {size} dimensions instead of "
                f"{index.dimensions}: it belongs to another database. Delete it, or give this one a Qdrant of its own."
            )


def _missing(index: VectorIndex, refused: Refused) -> Exception:
    return _CollectionMissing(f"Qdrant has no {_collection(index)}") if refused.code == 404 else refused


def _collection(index: VectorIndex) -> str:
    return f"/collections/llmbot_{index.id}"


def _form(index: VectorIndex) -> dict[str, Any]:
    return {
        "vectors": {"size": index.dimensions, "distance": "Cosine", "on_disk": True},
        "hnsw_config": GRAPHS,
        "quantization_config": BITS if index.dimensions >= BITS_FROM_DIMENSIONS else BYTES,
    }


def _within(scopes: Iterable[UUID]) -> dict[str, Any]:
    return {"must": [{"key": "scope", "match": {"any": list(dict.fromkeys(map(str, scopes)))}}]}


def _rows(vectors: Vectors) -> list[Vectors]:
    """As orjson writes them: each row in one piece of memory."""
    return list(np.ascontiguousarray(vectors, np.float32))
