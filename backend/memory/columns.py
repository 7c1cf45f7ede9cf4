"""Numbers as Postgres sends many of them at once: a column in one value, as `string_agg(int8send(id), '')` makes it."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def integers(sent: bytes | None, size: int = 8) -> Integers:
    """What `int8send` made, or whatever has another size in bytes; nothing of null."""
    return np.frombuffer(sent or b"", f">i{size}").astype(np.int64)


def floats(sent: bytes | None, kind: str = ">f8") -> Floats:
    """What `float8send` made, or numbers of another kind; nothing of null."""
    return np.frombuffer(sent or b"", kind).astype(np.float32)


def places(ids: Integers, wanted: Integers) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Where each of the wanted stands among `ids`, which ascend, and which of them stand there at all."""
    if not len(ids):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    found = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return found, ids[found] == wanted
