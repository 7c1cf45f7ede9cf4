"""What an endpoint for embeddings sends, as vectors; whatever else it sends is a `ProviderFailed`."""

from binascii import a2b_base64
from typing import Any

import numpy as np

from backend.llm import wire
from backend.llm.embedding.types import Vectors, of_length_one
from backend.llm.types import Outcome, ProviderFailed


def read_vectors(raw: bytes, count: int) -> Vectors:
    """One row for each of `count` texts, in their order."""
    rows = wire.read_json(raw).get("data")
    if not isinstance(rows, list) or len(rows) != count:
        raise ProviderFailed(Outcome.GARBLED, f"no list of {count} vectors")
    try:
        with np.errstate(over="ignore"):  # what is too great for 32 bits becomes infinite, and is refused as such
            return of_length_one(np.stack([_vector(row["embedding"]) for row in _in_order(rows)]))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ProviderFailed(Outcome.GARBLED, "these are no vectors") from None


def _in_order(rows: list[Any]) -> list[Any]:
    """Whoever tells no indexes keeps the order."""
    if all("index" not in row for row in rows):
        return rows
    by_index = {row["index"]: row for row in rows}
    return [by_index[index] for index in range(len(rows))]


def _vector(told: object) -> Vectors:
    """From base64 of little-endian 32-bit floats, or from a list of numbers, whatever was asked for."""
    if isinstance(told, str):
        return np.frombuffer(a2b_base64(told, strict_mode=True), "<f4")
    vector = np.array(told, dtype=np.float32)
    if vector.ndim != 1 or not vector.size:
        raise ValueError("no list of numbers")
    return vector
