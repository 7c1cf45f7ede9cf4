"""The words of embedding."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from backend.errors import Unavailable

# One row per text, each of length 1.
Vectors: TypeAlias = npt.NDArray[np.float32]


class EmbedderUnavailable(Unavailable):
    """No embedding could be made right now."""


class EmbedderInvalid(ValueError):
    """What names an embedder, or what it needs, cannot be read; the message says what to set."""


class Embedder(Protocol):
    """Vectors of equal specs are comparable.

    Every text gets a row, also an empty one; what is too long for the model is cut. Raises `EmbedderUnavailable`.
    """

    spec: str

    async def embed_passages(self, texts: Sequence[str]) -> Vectors: ...

    async def embed_questions(self, texts: Sequence[str]) -> Vectors: ...

    async def close(self) -> None: ...


def of_length_one(rows: Vectors) -> Vectors:
    """The rows with their directions kept. Raises `ValueError` if a row has none."""
    wide = rows.astype(np.float64)  # in which the squares of great numbers fit
    lengths = np.sqrt(np.vecdot(wide, wide))
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise ValueError("a vector without a direction")
    wide /= lengths[:, None]
    return wide.astype(np.float32)
