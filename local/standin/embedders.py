"""Turns texts into vectors for the Bedrock stand-in.

A vector here is a list of JSON number literals: writing 1,024 floats as JSON costs half a
millisecond, more than everything else in a call, and the hash embedder can do without.
"""

from __future__ import annotations

import functools
import hashlib
from itertools import chain
from typing import Protocol

Vector = list[str]

CHARACTERS_PER_TOKEN = 4


class Embedder(Protocol):
    def count_tokens(self, text: str) -> int: ...

    def embed(self, text: str, dimensions: int, norm: float) -> Vector:
        """A vector of this length; ``dimensions`` is a multiple of 8, at least 256."""
        ...


class HashEmbedder:
    """Signs taken from the text's hash: equal texts are equal, different ones nearly orthogonal."""

    def count_tokens(self, text: str) -> int:
        return 1 + len(text) // CHARACTERS_PER_TOKEN

    def embed(self, text: str, dimensions: int, norm: float) -> Vector:
        digest = hashlib.shake_128(text.encode()).digest(dimensions // 8)
        return list(chain.from_iterable(map(_literals(dimensions, norm).__getitem__, digest)))


@functools.lru_cache(maxsize=16)
def _literals(dimensions: int, norm: float) -> tuple[tuple[str, ...], ...]:
    """For each byte, eight components: one per bit, positive where it is set."""
    size = f"{norm * dimensions**-0.5:.10g}"
    pair = (f"-{size}", size)
    return tuple(tuple(pair[byte >> bit & 1] for bit in range(8)) for byte in range(256))
