"""Lay words and abbreviations, and the drug classes and the drugs that they mean."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain, groupby, pairwise, zip_longest
from math import prod
from typing import Annotated, Final, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from workflow.contract.errors import SettingsInvalid
from workflow.contract.folding import fold_words
from workflow.contract.invalid import in_words
from workflow.search.known import KnownNames, known_names
from workflow.search.lay_words import (
    SHORTEST_BESIDE,
    SHORTEST_SLIP,
    SHORTEST_STEM,
    STEMS_KEPT,
    LayWords,
    stem,
)
from workflow.search.uses import uses
from workflow.search.vocabulary import FILLERS, FORMS, ROUTES

FDA_FILE: Final = "synonyms.json"
ERRORS_SHOWN: Final = 3
NO_USES: Final[Mapping[str, Sequence[str]]] = {}

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


class Meant(NamedTuple):
    """What lay words mean: classes, and the drugs of a use in their order (`uses.UseDrug`); and
    the words that say so."""

    classes: tuple[str, ...]
    lay: frozenset[str]
    drugs: tuple[str, ...] = ()


class _Meaning(NamedTuple):
    classes: Sequence[str]
    drugs: Sequence[str]


class Synonyms:
    """Phrases -> classes, and -> drugs. A phrase is meant when a query holds all its words, in any
    order."""

    def __init__(
        self, phrases: Mapping[str, Sequence[str]], uses: Mapping[str, Sequence[str]] = NO_USES
    ) -> None:
        self.phrases = phrases
        self._phrases: dict[frozenset[str], _Meaning] = {}
        for phrase, classes in phrases.items():
            self._phrases[_stems(phrase.lower())] = _Meaning(tuple(classes), ())
        for phrase, drugs in uses.items():
            words = _stems(phrase)
            classes = self._phrases[words].classes if words in self._phrases else ()
            self._phrases[words] = _Meaning(classes, drugs)
        self._phrases_with: dict[str, list[frozenset[str]]] = {}
        for words in self._phrases:
            for one in words:
                self._phrases_with.setdefault(one, []).append(words)
        self._words = LayWords(self._phrases_with)

    def meant_by(self, words: Sequence[str], known: KnownNames | None = None) -> Meant:
        """The classes and drugs of every phrase that the words hold, the longest first.

        Phrases of one length give their drugs in turn. A phrase that is a part of a longer one is
        left out. A word next to a phrase that only some of its classes have in their names chooses
        these: the azole of `azole antifungals`.
        """
        stems = self._stems(words, known or known_names())
        said = frozenset(one for of in stems.values() for one in of)
        held = {
            phrase: None
            for one in chain.from_iterable(stems.values())
            for phrase in self._phrases_with.get(one, ())
            if phrase <= said
        }
        longest = [one for one in held if not any(one < other for other in held)]
        # The inhaler of `lama inhaler` is its form.
        longest = [one for one in longest if not one <= _DESCRIBED] or longest
        longest.sort(key=self._unspecific)
        meant = frozenset().union(*longest)
        lay = frozenset(word for word in words if not meant.isdisjoint(stems[word]))
        classes = dict.fromkeys(
            name for one in longest for name in _chosen(self._phrases[one].classes, said - one)
        )
        telling = {one for word in words if word not in FILLERS for one in stems[word]}
        is_class = any(telling <= _stems_of(name) and _kind(name) in telling for name in classes)
        return Meant(tuple(classes), lay, () if is_class else tuple(self._drugs_of(longest)))

    def _drugs_of(self, longest: Sequence[frozenset[str]]) -> dict[str, None]:
        """Of phrases of one length one drug in turn; of none that is shorter than a class's name:
        the diuretic of `potassium sparing diuretic`."""
        drugs: dict[str, None] = {}
        for _, of in groupby(longest, key=len):
            turns = [*zip_longest(*(self._phrases[one].drugs for one in of))]
            if not turns:
                break
            drugs |= dict.fromkeys(drug for turn in turns for drug in turn if drug)
        return drugs

    def _unspecific(self, phrase: frozenset[str]) -> tuple[int, float]:
        """Phrases of more words come first, then those of rarer words."""
        return -len(phrase), prod(len(self._phrases_with[one]) for one in phrase)

    def _stems(self, words: Sequence[str], known: KnownNames) -> dict[str, set[str]]:
        """A word's own stem, and what it is together with its neighbour: `head ache`, `heartburn`.

        A short word with one slip is that of a phrase whose others are there: `blod thinner`.
        """
        stems = {word: {self._words.read(word, known)} for word in words}
        said = {one for of in stems.values() for one in of}
        for word, of in stems.items():
            one = next(iter(of))
            if one in self._words:
                continue
            if SHORTEST_BESIDE <= len(one) < SHORTEST_SLIP and not known.is_name(word):
                near = (other for other in self._words.near(one) if self._is_beside(other, said))
                stems[word] = {min(near, default=one)}
            elif apart := self._apart(word, known):
                stems[word] = apart
        for left, right in pairwise(words):
            if (both := stem(left + right)) in self._words:
                stems[left].add(both)
                stems[right].add(both)
        return stems

    def _apart(self, word: str, known: KnownNames) -> set[str]:
        """Two words of one phrase that are written as one: `bloodpressure`."""
        if known.is_name(word):
            return set()
        for place in range(SHORTEST_STEM, len(word) - SHORTEST_STEM + 1):
            both = frozenset((stem(word[:place]), stem(word[place:])))
            if both in self._phrases:
                return set(both)
        return set()

    def _is_beside(self, one: str, said: AbstractSet[str]) -> bool:
        phrases = self._phrases_with[one]
        return any(len(phrase) > 1 and phrase - {one} <= said for phrase in phrases)


_DESCRIBED: Final = frozenset(stem(word) for word in (*FORMS, *ROUTES))


def _stems(phrase: str) -> frozenset[str]:
    return frozenset(map(stem, phrase.split()))


def _chosen(classes: Sequence[str], said: AbstractSet[str]) -> Sequence[str]:
    return [one for one in classes if said & _stems_of(one)] or classes


def _kind(name: str) -> str:
    """What the drugs of a class are: its last word."""
    return stem(fold_words(name)[-1])


@lru_cache(STEMS_KEPT)
def _stems_of(name: str) -> frozenset[str]:
    """Of a class's name, without words that do not describe a drug."""
    return frozenset(stem(word) for word in fold_words(name) if word not in FILLERS)


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
    return Synonyms(found, uses())
