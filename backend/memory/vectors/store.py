"""What a vector store does, whichever it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt

from backend.errors import Unavailable

Vectors: TypeAlias = npt.NDArray[np.float32]
Found: TypeAlias = list[tuple[int, float]]


class VectorStoreUnavailable(Unavailable):
    """The vector store did not answer."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, retry_after=2)


class DimensionsDiffer(ValueError):
    """These vectors were not made by the embedder of this index."""


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """All vectors that one embedder made in one store: a row of `vector_indexes`."""

    id: int
    store: str
    embedder: str
    dimensions: int

    def check(self, vectors: Vectors) -> None:
        """Raises `DimensionsDiffer` unless there is one row per vector, each as long as this index says."""
        if vectors.ndim != 2 or vectors.shape[1] != self.dimensions:
            raise DimensionsDiffer(
                f"Vector index {self.id} ({self.embedder}) holds vectors of {self.dimensions} dimensions, "
                f"but these have the shape {'x'.join(map(str, vectors.shape))}. An embedder that was changed needs "
                "a new index: run `llmbot reindex`."
            )


def last_of_each(ids: Sequence[int]) -> dict[int, int]:
    """Where each id stands for the last time."""
    return {id: place for place, id in enumerate(ids)}


class VectorStore(Protocol):
    """Vectors of embeddings, each in one scope, which is never left by a search.

    Every method raises `VectorStoreUnavailable` when the store cannot be reached in time; those that are given vectors
    raise `DimensionsDiffer` for vectors of another length than the index holds.
    """

    name: str

    async def create(self, index: VectorIndex) -> None:
        """Safe to repeat."""

    async def drop(self, index: VectorIndex) -> None:
        """Removes the index with all of its vectors; safe to repeat."""

    async def put(self, index: VectorIndex, ids: Sequence[int], scopes: Sequence[UUID], vectors: Vectors) -> None:
        """Durable when it returns, and safe to repeat: of vectors for one id, the last stays."""

    async def delete(self, index: VectorIndex, ids: Sequence[int]) -> None:
        """Ids without a vector are passed over."""

    async def search(self, index: VectorIndex, questions: Vectors, scopes: Sequence[UUID], limit: int) -> list[Found]:
        """For every question (embedding id, cosine), best first: at most `limit`, all from within these scopes."""

    async def scores(self, index: VectorIndex, questions: Vectors, ids: Sequence[int]) -> Vectors:
        """The cosine of every question [row] with every id [column]; nan where there is no vector."""

    async def count(self, index: VectorIndex, scope: UUID | None = None) -> int:
        """How many vectors there are, in one scope or in all."""

    async def ids(self, index: VectorIndex, *, after: int, limit: int) -> list[int]:
        """Whose vectors there are, in ascending order, beginning behind `after`."""

    async def close(self) -> None: ...
