"""Arithmetic on float32[dimensions], little-endian, without numpy: it is too big for a Lambda."""

import math
import sys
from array import array
from collections.abc import Sequence
from operator import mul


def to_bytes(values: Sequence[float]) -> bytes:
    """Numbers of a model's answer as float32. Raises OverflowError, TypeError."""
    vector = array("f", values)
    if sys.byteorder == "big":
        vector.byteswap()
    return vector.tobytes()


def to_floats(data: bytes) -> "array[float]":
    vector = array("f")
    vector.frombytes(data)
    if sys.byteorder == "big":
        vector.byteswap()
    return vector


def fault(data: bytes, dimensions: int) -> str | None:
    """What is wrong with a vector: its length, a number that is none, or nothing but zeros."""
    if len(data) != 4 * dimensions:
        return f"has {len(data) / 4:g} dimensions, not {dimensions}"
    floats = to_floats(data)
    # One bad number spoils the sum; finite float32 cannot overflow a float64.
    if not math.isfinite(sum(floats)):
        return "holds NaN or infinity"
    if not any(floats):
        return "is all zeros"
    return None


if sys.version_info >= (3, 12):
    dot = math.sumprod
else:

    def dot(left: Sequence[float], right: Sequence[float]) -> float:
        """What `math.sumprod` of Python 3.12 does, slower."""
        return float(sum(map(mul, left, right)))


def length(vector: Sequence[float]) -> float:
    return math.sqrt(dot(vector, vector))


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    """In [-1, 1]; both not zero."""
    return float(dot(left, right)) / (length(left) * length(right))
