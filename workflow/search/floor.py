"""How near a text must be to mean what a query says: below it, nothing is an answer."""

from collections.abc import Sequence
from math import floor
from typing import Final

CONSERVATIVE: Final = 0.5
"""Until a space has measured its own: what nonsense hardly reaches with any of the models."""

SHARE: Final = 0.95
"""Of nonsense queries that must find nothing."""

MARGIN: Final = 0.01


def floor_of(nearest: Sequence[float]) -> float:
    """From the best cosine of each of some nonsense queries, the least that means something.

    At least `SHARE` of them stay below. Without any, the conservative constant.
    """
    if not nearest:
        return CONSERVATIVE
    ordered = sorted(nearest)
    place = min(len(ordered) - 1, floor(SHARE * len(ordered)))
    return round(min(1.0, ordered[place] + MARGIN), 4)


def nonsense(count: int = 50) -> tuple[str, ...]:
    """Words that no language has, the same ones each time, for measuring a space's floor."""
    return tuple(_word(seed) for seed in range(count))


def _word(seed: int) -> str:
    consonants, vowels = "zxqvkwjfgbdhmnprt", "aeiouy"
    state, letters = seed * 7919 + 17, []
    for place in range(6 + seed % 5):
        state = (state * 1103515245 + 12345) % (1 << 31)
        source = vowels if place % 3 == 1 else consonants
        letters.append(source[(state >> 8) % len(source)])
    return "".join(letters)
