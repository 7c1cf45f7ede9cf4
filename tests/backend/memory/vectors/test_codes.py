"""Codes are as alike as their vectors."""

import numpy as np
import pytest
from asyncpg import BitString

from backend.memory.vectors import Vectors
from backend.memory.vectors.codes import encode
from tests.backend.memory.vectors.shelf import some_vectors


def bits(code: BitString) -> Vectors:
    return np.unpackbits(np.frombuffer(code.bytes, np.uint8), count=len(code)).astype(np.float32)


@pytest.mark.parametrize(("dimensions", "length"), [(384, 1152), (512, 1536), (768, 1536), (1024, 2048), (1536, 1536)])
def test_short_vectors_get_more_bits_of_each_dimension(dimensions: int, length: int) -> None:
    assert {len(code) for code in encode(some_vectors(2, seed=1, dimensions=dimensions))} == {length}


def test_a_dimension_is_told_by_the_quarter_it_falls_into() -> None:
    [code] = encode(np.array([[-1.0, -0.1, 0.1, 1.0]], np.float32))
    above_the_lower_cut, above_zero, above_the_upper_cut = bits(code).reshape(3, 4).tolist()
    assert above_the_lower_cut == [0, 1, 1, 1]
    assert above_zero == [0, 0, 1, 1]
    assert above_the_upper_cut == [0, 0, 0, 1]


@pytest.mark.parametrize("dimensions", [384, 1024, 1536])
def test_the_more_codes_differ_the_less_alike_are_the_vectors(dimensions: int) -> None:
    vectors = some_vectors(60, seed=2, dimensions=dimensions)
    codes = encode(vectors)
    distances = [np.abs(bits(codes[0]) - bits(code)).sum() for code in codes[1:]]
    assert np.corrcoef(distances, vectors[1:] @ vectors[0])[0, 1] < -0.95


def test_nothing_has_no_codes() -> None:
    assert encode(some_vectors(0, seed=1)) == []
