"""Vectors as a few bits per dimension: what finds the vectors worth comparing exactly."""

import numpy as np
from asyncpg import BitString

from backend.memory.vectors.store import Vectors

# A component of a vector of length 1 has a standard deviation of about 1/sqrt(dimensions). Cut at these multiples of
# it, its values fall into equally likely classes (quantiles of the normal distribution), and the number of differing
# bits grows with the distance. Short vectors have less to tell each other apart by, so they get more bits of each.
HALVES, THIRDS, QUARTERS = (0.0,), (-0.4307, 0.4307), (-0.6745, 0.0, 0.6745)


def encode(vectors: Vectors) -> list[BitString]:
    """One code per row. Codes of equally long vectors are equally long, and as alike (Hamming) as their vectors."""
    dimensions = vectors.shape[1]
    cuts = np.array(_cuts(dimensions), np.float32) / np.sqrt(dimensions)
    bits = vectors[:, None, :] > cuts[None, :, None]
    packed = np.packbits(bits.reshape(len(vectors), dimensions * len(cuts)), axis=1)
    return [BitString.frombytes(code.tobytes(), dimensions * len(cuts)) for code in packed]


def _cuts(dimensions: int) -> tuple[float, ...]:
    if dimensions <= 512:
        return QUARTERS
    return THIRDS if dimensions <= 1024 else HALVES
