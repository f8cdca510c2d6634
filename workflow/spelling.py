"""Which word of a name a misspelt word means."""

import re
from collections.abc import Sequence
from typing import Final

SHORTEST: Final = 4
"""Words shorter than this are not corrected: too many others are like them."""

LEAST: Final = 0.65
CLOSE: Final = 0.1
"""Suggestions that are this much less like the word than the best one are kept, too."""

SOUNDS: Final = (
    *((r"ph", "f"), (r"y", "i"), (r"c(?=[eiy])", "s"), (r"ck|c|q", "k"), (r"x", "ks")),
    *((r"z", "s"), (r"th", "t"), (r"[aeou]e?$", ""), (r"(.)\1+", r"\1")),
)
"""What is often written for another letter that sounds the same, in order."""


def corrections(word: str, suggestions: Sequence[str]) -> dict[str, float]:
    """The suggestions that `word` may mean, with their likeness in (0, 1), best first."""
    if len(word) < SHORTEST or any(letter.isdigit() for letter in word):
        return {}
    likeness = {one: likeness_of(word, one) for one in suggestions if len(one) >= SHORTEST - 1}
    best = max(likeness.values(), default=0.0)
    kept = [one for one, like in likeness.items() if like >= max(LEAST, best - CLOSE)]
    return {one: likeness[one] for one in sorted(kept, key=lambda one: (-likeness[one], one))}


def likeness_of(word: str, other: str) -> float:
    """1 for the same word; each edit costs its share of the letters, half of it for a sound."""
    written = distance(word, other)
    heard = distance(_sound(word), _sound(other)) + 0.5
    start = 0.0 if word[0] == other[0] or _sound(word)[:1] == _sound(other)[:1] else 0.5
    return 1 - (min(written, (written + heard) / 2) + start) / max(len(word), len(other))


def _sound(word: str) -> str:
    for pattern, sound in SOUNDS:
        word = re.sub(pattern, sound, word)
    return word


def distance(left: str, right: str) -> int:
    """Edits between two words: optimal string alignment, so a swap of neighbours is one."""
    older: list[int] = []
    last = list(range(len(right) + 1))
    for i, a in enumerate(left):
        row = [i + 1]
        for j, b in enumerate(right):
            cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a != b))
            if i and j and a == right[j - 1] and left[i - 1] == b:
                cost = min(cost, older[j - 1] + 1)
            row.append(cost)
        older, last = last, row
    return last[-1]
