"""Names of drugs that searches know, whether or not the catalog has them.

`tools/known_names.py` generates `known_names.txt.gz` from the FDA's names; `abbreviations.json` is
maintained manually. A name means one set of substances. If it means several, the search asks back.
"""

import gzip
import json
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from itertools import chain, islice, repeat, takewhile, zip_longest
from typing import Final

from workflow.search.edits import distance, one_edit
from workflow.search.minerals import short_names
from workflow.search.substances import JOINTS, MINERALS, REMEMBERED, SALTS, base_of
from workflow.search.vocabulary import FORMS, ROUTES
from workflow.search.written import UNITS

TABLE: Final = "known_names.txt.gz"
ABBREVIATIONS: Final = "abbreviations.json"
LONGEST_NAME: Final = 12
"""Words of the longest name that is looked up."""

SHORTEST_JOINED: Final = 7

BITS_AN_EDIT: Final = 2
"""An edit takes at most one letter away and adds one."""

LETTERS: Final = 32
"""Letters that are distinguished; characters that share a bit only let more names through."""

Substances = frozenset[str]
Meanings = frozenset[Substances]
NOTHING: Final[Meanings] = frozenset()
_NO_WORDS: Final[tuple[Sequence[int], list[str]]] = ((), [])
_Abbreviations = Mapping[str, Sequence[Sequence[str]]]


class KnownNames:
    """The table, and what is near a word in it."""

    def __init__(
        self,
        bases: Sequence[str],
        names: Mapping[str, str],
        words: Sequence[str],
        common: Sequence[str],
    ) -> None:
        self._bases = bases
        self._own = frozenset(bases)
        self._names = names
        self._words = frozenset(words)
        self._common = frozenset(common)
        self._read = lru_cache(REMEMBERED)(self._meanings)
        self._abbreviations: dict[str, Meanings] = {}
        self._asks: frozenset[str] = frozenset()
        self._beside: dict[str, Meanings] = {}

    def with_abbreviations(
        self, means: _Abbreviations, asks: _Abbreviations, beside: _Abbreviations
    ) -> "KnownNames":
        """They take precedence over the table: a pharmacist's MMF is not monomethyl fumarate."""
        self._abbreviations = _read_all({**means, **asks})
        self._asks = frozenset(asks)
        self._beside = _read_all(beside)
        return self

    def with_short(self, names: Iterable[tuple[str, Sequence[str]]]) -> "KnownNames":
        """What is written short, if nothing is called so, and its names.

        Of a name that is only known as a hydrate, what may follow is open.
        """
        for short, full in names:
            means = frozenset(chain.from_iterable(map(self.means, full)))
            alone = any(one in self._own for one in full)
            if means and (alone or len(means) > 1) and not self.is_name(short):
                self._abbreviations[short] = means
        return self

    def asks(self, name: str) -> bool:
        """True for abbreviations of several drugs, such as TCN, MS and MgSO4: the search asks
        back."""
        return name in self._asks

    def beside(self, name: str) -> Meanings:
        """What an abbreviation means only next to another drug: the DM of `promethazine DM`."""
        return self._beside.get(name, NOTHING)

    def means(self, name: str) -> Meanings:
        """The sets of substances that a folded name may mean; empty if it is not known."""
        if name in self._abbreviations:
            return self._abbreviations[name]
        if name in self._names:
            return self._read(self._names[name])
        words = tuple(name.split())
        base = " ".join(base_of(words))
        if base in self._own:
            return frozenset((frozenset((base,)),))
        return self._abbreviated(words)

    def _abbreviated(self, words: tuple[str, ...]) -> Meanings:
        """A drug whose name an abbreviation begins: `pen g benzathine` is not pen G."""
        for size in range(len(words) - 1, 0, -1):
            begins = self._abbreviations.get(" ".join(words[:size]), NOTHING)
            if len(begins) == 1 and len(next(iter(begins))) == 1:
                (substance,) = next(iter(begins))
                if tuple(substance.split()[:size]) == words[:size]:
                    continue  # polymyxin is not short for polymyxin B B
                means = self.means(" ".join((substance, *words[size:])))
                return NOTHING if means == begins else means
        return NOTHING

    def _meanings(self, numbers: str) -> Meanings:
        return frozenset(
            frozenset(self._bases[int(number)] for number in one.split("+"))
            for one in numbers.split("|")
        )

    def is_name(self, word: str) -> bool:
        """True for every drug's name anywhere: such a word is never changed into another."""
        return word in self._words or word in self._common or bool(self.means(word))

    def near(self, word: str, edits: int) -> dict[str, int]:
        """Names of one word within this edit distance; chemists' common names are left out.

        One edit is looked up; for more, every name of similar length is compared.
        """
        if edits == 1:
            return {one: 1 for one in one_edit(word) if one != word and self._is_word(one)}
        letters = _letters(word)
        most = BITS_AN_EDIT * edits
        found = {}
        for size in range(len(word) - edits, len(word) + edits + 1):
            masks, names = self._by_size.get(size, _NO_WORDS)
            for place, mask in enumerate(masks):
                if (mask ^ letters).bit_count() <= most:
                    away = distance(word, names[place])
                    if away <= edits:
                        found[names[place]] = away
        return found

    def _is_word(self, word: str) -> bool:
        return word in self._words or word in self._names or word in self._own

    @cached_property
    def _by_size(self) -> Mapping[int, tuple[Sequence[int], list[str]]]:
        """Built at the first misspelled word."""
        names: dict[int, list[str]] = defaultdict(list)
        for name in self.single_words():
            names[len(name)].append(name)
        return {size: (array("Q", map(_letters, of)), of) for size, of in names.items()}

    def single_words(self) -> Iterator[str]:
        """Every known name of one word."""
        yield from self._words
        yield from (name for name in self._names if " " not in name)
        yield from (name for name in self._own if " " not in name)

    def beginning(self, word: str, most: int) -> list[str]:
        """The first names of one word that begin so."""
        start = bisect_left(self._in_order, word)
        some = self._in_order[start : start + most]
        return [name for name in some if name.startswith(word)]

    @cached_property
    def _in_order(self) -> Sequence[str]:
        """Built at the first word that a correction would change."""
        return sorted({*self.single_words()})

    def grown_together(self, word: str) -> str:
        """The known name of two words that is one here, or nothing: `solumedrol`."""
        return self._of_two.get(word, "")

    @cached_property
    def _of_two(self) -> Mapping[str, str]:
        """Built at the first word that is no name."""
        two = (name for name in self._names if name.count(" ") == 1)
        joined = ((name.replace(" ", ""), name) for name in two)
        return {one: name for one, name in joined if len(one) >= SHORTEST_JOINED and one.isalpha()}

    def substances_of(self, name: str) -> Substances:
        """The substances that a generic name of a catalog says, with unknown words unchanged."""
        return _substances_of(self, name)

    def is_substance(self, name: str) -> bool:
        """True for a substance's own name, without its salt."""
        return name in self._own

    def is_generic(self, name: str) -> bool:
        """True if a name states its substances, in full or abbreviated: it is not a brand."""
        base = base_of(tuple(name.split()))
        if name in self._abbreviations or " ".join(base) in self._own:
            return True
        return len(base) > 1 and all(one in JOINTS or self.is_generic(one) for one in base)

    def begun_by(self, words: Sequence[str]) -> list[str]:
        """Substances whose names these words begin, word by word: `val acid`, `halop dec`.

        Words behind the name may begin a salt: `pred acet`.
        """
        first = bisect_left(self._sorted, words[0])
        begun = takewhile(lambda one: one.startswith(words[0]), islice(self._sorted, first, None))
        return [one for one in begun if _is_begun(one.split(), words)]

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._own)

    def names(self) -> Iterator[tuple[str, Meanings]]:
        """Every name with its meanings."""
        yield from ((name, self.means(name)) for name in (*self._own, *self._names))


def _is_begun(name: Sequence[str], words: Sequence[str]) -> bool:
    """A mineral's name is begun as a whole; of others, the first word may say enough."""
    short = len(words) < len(name) and (len(words) > 1 or name[0] in MINERALS)
    return not short and all(
        of.startswith(word) if of else any(salt.startswith(word) for salt in SALTS)
        for word, of in zip_longest(words, name[: len(words)], fillvalue="")
    )


def _read_all(kept: _Abbreviations) -> dict[str, Meanings]:
    return {name: frozenset(map(frozenset, all_of)) for name, all_of in kept.items()}


@lru_cache(REMEMBERED)
def _substances_of(known: KnownNames, name: str) -> Substances:
    words = name.split()
    found: set[str] = set()
    place = 0
    while place < len(words):
        size, means = _longest(known, words, place)
        if size:
            found |= next(iter(means))
        elif _is_substance(words[place]) and (words[place] not in SALTS or not found):
            found.add(words[place])
        place += size or 1
    return frozenset(found)


def may_begin(word: str) -> bool:
    """No name of a substance begins with the name of a salt or a unit; with a mineral's it may."""
    return word in MINERALS or not (word in SALTS or word in UNITS)


def _is_substance(word: str) -> bool:
    """An unknown word is taken for one, unless it says a form, a route or an amount."""
    return not (
        word in JOINTS or word in FORMS or word in ROUTES or word in UNITS or word.isdigit()
    )


def _longest(known: KnownNames, words: Sequence[str], place: int) -> tuple[int, Meanings]:
    """The longest known name that begins here and means one thing."""
    for size in range(min(LONGEST_NAME, len(words) - place), 0, -1):
        if not may_begin(words[place]):
            return 0, NOTHING
        means = known.means(" ".join(words[place : place + size]))
        if len(means) == 1:
            return size, means
    return 0, NOTHING


def _letters(word: str) -> int:
    """A bit for each letter, and another for a letter that occurs twice."""
    once = twice = 0
    for letter in word:
        bit = 1 << ord(letter) % LETTERS
        twice |= once & bit
        once |= bit
    return once | twice << LETTERS


@cache
def known_names() -> KnownNames:
    """Read on first use: a search by NDC needs no names."""
    folder = files("workflow.search")
    text = gzip.decompress(folder.joinpath(TABLE).read_bytes()).decode()
    bases, counts, lines, words, common = (of.split("\n") for of in text[:-1].split("\n\n"))
    runs = (one.split("\t") for one in counts)
    means = chain.from_iterable(repeat(numbers, int(count)) for count, numbers in runs)
    names = dict(zip(lines, means, strict=True))
    known = KnownNames(bases, names, words, common)
    known = known.with_abbreviations(**json.loads(folder.joinpath(ABBREVIATIONS).read_bytes()))
    return known.with_short(short_names())
