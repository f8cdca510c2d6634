"""Lay words and abbreviations, and the drug classes that they mean."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache
from importlib.resources import files
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from workflow.contract.errors import SettingsInvalid
from workflow.contract.folding import fold_words
from workflow.contract.invalid import in_words
from workflow.search.edits import distance
from workflow.search.vocabulary import FILLERS

FDA_FILE: Final = "synonyms.json"
ERRORS_SHOWN: Final = 3
ENDINGS: Final = ("ing", "ed", "es", "s")
SHORTEST_STEM: Final = 3
NO_PLURALS: Final = {"aids", "hives"}
"""Words that only look like plurals: `aids` is not `aid`, `hives` is not `HIV`."""

SHORTEST_SLIP: Final = 6
SHORTEST_BESIDE: Final = 4
"""Letters of a word with a slip, and of one next to the other words of its phrase."""

STEMS_KEPT: Final = 8192

MOST_PHRASES: Final = 5_000
MOST_CLASSES: Final = 50
MOST_LETTERS: Final = 200
"""Of a file: its phrases, the classes of one, and the characters of either."""

Words = Annotated[str, Field(max_length=MOST_LETTERS, pattern=r"[^\W_]")]
_Entries: Final = TypeAdapter(
    Annotated[
        dict[Words, Annotated[list[Words], Field(min_length=1, max_length=MOST_CLASSES)]],
        Field(max_length=MOST_PHRASES),
    ]
)
"""Phrase -> classes. Both need a letter or a digit; a query asks for every class of its phrases."""


class Synonyms:
    """Phrases -> classes. A phrase is meant when a query holds all its words, in any order."""

    def __init__(self, phrases: Mapping[str, Sequence[str]]) -> None:
        self.phrases = phrases
        self._phrases = {
            frozenset(map(stem, phrase.lower().split())): tuple(classes)
            for phrase, classes in phrases.items()
        }
        self._phrases_with: dict[str, list[frozenset[str]]] = {}
        for phrase in self._phrases:
            for one in phrase:
                self._phrases_with.setdefault(one, []).append(phrase)
        self._like: dict[tuple[str, int], list[str]] = {}
        for one in self._phrases_with:
            self._like.setdefault((one[:1], len(one)), []).append(one)
        self._stem = lru_cache(STEMS_KEPT)(self._meant)

    def classes_of(self, words: Sequence[str]) -> tuple[tuple[str, ...], frozenset[str]]:
        """The classes of every phrase that the words hold, and the words that say so.

        A phrase that is a part of a longer one is left out. A word next to a phrase that only some
        of its classes have in their names chooses these: the azole of `azole antifungals`.
        """
        stems = self._stems(words)
        said = set(stems.values())
        held = {
            phrase: None
            for one in stems.values()
            for phrase in self._phrases_with.get(one, ())
            if phrase <= said
        }
        longest = [one for one in held if not any(one < other for other in held)]
        lay = frozenset(word for word in words if any(stems[word] in one for one in longest))
        classes = dict.fromkeys(
            name for one in longest for name in _chosen(self._phrases[one], said - one)
        )
        return tuple(classes), lay

    def _stems(self, words: Sequence[str]) -> dict[str, str]:
        """A short word with one slip is that of a phrase whose others are there: `blod thinner`."""
        stems = {word: self._stem(word) for word in words}
        said = set(stems.values())
        for word, one in stems.items():
            if one not in self._phrases_with and SHORTEST_BESIDE <= len(one) < SHORTEST_SLIP:
                near = (of for of in self._near(one) if self._is_beside(of, said))
                stems[word] = min(near, default=one)
        return stems

    def _is_beside(self, one: str, said: AbstractSet[str]) -> bool:
        phrases = self._phrases_with[one]
        return any(len(phrase) > 1 and phrase - {one} <= said for phrase in phrases)

    def _meant(self, word: str) -> str:
        """A long word with one slip is the word of a phrase that begins with the same letter."""
        found = stem(word)
        if found in self._phrases_with or len(found) < SHORTEST_SLIP:
            return found
        return min(self._near(found), default=found)

    def _near(self, found: str) -> list[str]:
        """Words of phrases that are one slip away and begin with the same letter."""
        sizes = range(len(found) - 1, len(found) + 2)
        like = (one for size in sizes for one in self._like.get((found[0], size), ()))
        return [one for one in like if distance(found, one) == 1]


def _chosen(classes: Sequence[str], said: AbstractSet[str]) -> Sequence[str]:
    return [one for one in classes if said & _stems_of(one)] or classes


@lru_cache(STEMS_KEPT)
def _stems_of(name: str) -> frozenset[str]:
    """Of a class's name, without words that do not describe a drug."""
    return frozenset(stem(word) for word in fold_words(name) if word not in FILLERS)


def stem(word: str) -> str:
    """A word without its commonest English endings: pimples and pimple, allergies and allergy."""
    if word in NO_PLURALS:
        return word
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            word = word.removesuffix(ending)
            break
    return word.removesuffix("e").removesuffix("y").removesuffix("i")


def fda_synonyms() -> Synonyms:
    """Those of the FDA's established pharmacologic classes, from `synonyms.json`."""
    return read_synonyms(FDA_FILE)


@cache
def read_synonyms(name: str) -> Synonyms:
    """From a JSON file in `workflow/search/`.

    SettingsInvalid names the file, the entry and the limit.
    """
    where = f"synonyms_file {name}"
    try:
        found = _Entries.validate_json(files("workflow.search").joinpath(name).read_bytes())
    except OSError as error:
        raise SettingsInvalid(f"{where}: workflow/{name} is not in the bundle") from error
    except ValidationError as error:
        raise SettingsInvalid(f"{where}: {in_words(error, most=ERRORS_SHOWN)}") from error
    return Synonyms(found)
