"""Lay words and abbreviations, and the drug classes that they mean."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from pydantic import TypeAdapter

from workflow.spelling import distance

FILE: Final = "synonyms.json"
ENDINGS: Final = ("ing", "ed", "es", "s")
SHORTEST_STEM: Final = 3
SHORTEST_SLIP: Final = 6


class Synonyms:
    """Phrases -> classes. A phrase is meant when a query holds all its words, in any order."""

    def __init__(self, phrases: Mapping[str, Sequence[str]]) -> None:
        self.phrases = phrases
        self._phrases = {
            frozenset(map(stem, phrase.split())): tuple(classes)
            for phrase, classes in phrases.items()
        }
        self._stems = frozenset(one for phrase in self._phrases for one in phrase)

    def classes_of(self, words: Sequence[str]) -> tuple[tuple[str, ...], frozenset[str]]:
        """The classes of every phrase that the words hold, and the words that say so.

        A phrase that is a part of a longer one is left out.
        """
        stems = {word: self._stem(word) for word in words}
        held = [phrase for phrase in self._phrases if phrase <= set(stems.values())]
        longest = [one for one in held if not any(one < other for other in held)]
        said = frozenset(word for word in words if any(stems[word] in one for one in longest))
        classes = dict.fromkeys(name for one in longest for name in self._phrases[one])
        return tuple(classes), said

    def _stem(self, word: str) -> str:
        """A long word with one slip is the word of a phrase that begins with the same letter."""
        found = stem(word)
        if found in self._stems or len(found) < SHORTEST_SLIP:
            return found
        like = (one for one in self._stems if one[0] == found[0])
        near = [one for one in like if abs(len(one) - len(found)) < 2 and distance(found, one) == 1]
        return min(near, default=found)


def stem(word: str) -> str:
    """A word without its commonest English endings: pimples and pimple, allergies and allergy."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            word = word.removesuffix(ending)
            break
    return word.removesuffix("e").removesuffix("y").removesuffix("i")


@cache
def fda_synonyms() -> Synonyms:
    """Those of the FDA's established pharmacologic classes, from `synonyms.json`."""
    text = files("workflow").joinpath(FILE).read_bytes()
    return Synonyms(TypeAdapter(dict[str, list[str]]).validate_json(text))
