"""The floor of a space: how similar meaningless words are to its texts."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import fmean, stdev
from typing import Final

from workflow.contract.ports.model import TextRefused, Vector
from workflow.contract.ports.search import SearchIndex
from workflow.embedding.caller import Caller

WORDS: Final = 50
"""Made-up words, the same ones each time: about 200 tokens."""

RARE: Final = 2.59
"""So many standard deviations above their mean, 49 of 50 largest values are below: the likeness of
the nearest of many texts is a largest value, so that Gumbel's distribution has it."""

CONSONANTS: Final = "bcdfghjklmnpqrstvwxz"
VOWELS: Final = "aeiouy"
SHORTEST: Final = 5
LENGTHS: Final = 7


def measured_floor(caller: Caller, index: SearchIndex, space: str, threads: int) -> float | None:
    """The cosine that nonsense rarely reaches; None if it cannot be measured.

    Raises ModelFailed and other errors that are retried.
    """
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(lambda words: _vectors(caller, words), _calls(caller.texts_per_call))
        vectors = [vector for part in found for vector in part]
    hits = (index.nearest_texts(space, vector.data, 1) for vector in vectors)
    nearest = [1 - hit.distance for near in hits for hit in near]
    return round(fmean(nearest) + RARE * stdev(nearest), 4) if len(nearest) > 1 else None


def nonsense(number: int) -> str:
    """A pronounceable word that exists in no language."""
    draw = hashlib.shake_128(str(number).encode()).digest(1 + SHORTEST + LENGTHS)
    letters = draw[1 : 1 + SHORTEST + draw[0] % LENGTHS]
    turns = ((CONSONANTS, VOWELS)[(place + draw[0]) % 2] for place in range(len(letters)))
    return "".join(of[letter % len(of)] for of, letter in zip(turns, letters, strict=True))


def _calls(size: int) -> Iterator[list[str]]:
    words = [nonsense(number) for number in range(WORDS)]
    return (words[start : start + size] for start in range(0, WORDS, size))


def _vectors(caller: Caller, words: list[str]) -> list[Vector]:
    """None of words that the model refuses: they say nothing of the others."""
    try:
        return caller.embed(words, "query")
    except TextRefused:
        return []
