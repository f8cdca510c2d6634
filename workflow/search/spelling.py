"""Which name a misspelled word means: one, a question between several, or none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from workflow.contract.folding import fold
from workflow.search.edits import distance
from workflow.search.known import KnownNames, Substances
from workflow.search.lay_words import sound

SHORTEST: Final = 4
"""Words shorter than this are not corrected: too many others are similar."""

EDITS: Final = 2
FAR: Final = 3
SHORTEST_FAR: Final = 9
"""Three edits are tried only for words this long."""

MOST_ASKED: Final = 5
SHORTEST_BEGINNING: Final = 6
"""Letters of a word that is rather cut short than misspelled."""


class Reading(NamedTuple):
    """What a word is read as, or the names of different drugs that it may mean."""

    word: str
    read_as: str = ""
    may_be: tuple[str, ...] = ()


Spellings = Callable[[str, int], Sequence[str]]
"""The words of the catalog's names at this edit distance from a word."""


IsSpelling = Callable[[str, str], bool]
"""Whether a word of the catalog's names is a known name in another spelling."""


def _never(word: str, name: str) -> bool:
    return False


def read(
    word: str, known: KnownNames, spellings: Spellings, is_spelling: IsSpelling = _never
) -> Reading:
    """The nearest name, if no other drug's is equally near.

    A word that is some drug's name, here or anywhere, is never read as another. Of names that one
    slip of the keyboard makes of each other, all are nearest: the search asks back.
    """
    if not may_be_misspelt(word, alone=True) or known.is_name(word):
        return Reading(word)
    near, here = _near(word, EDITS, known, spellings)
    if not near and len(word) >= SHORTEST_FAR:
        near, here = _near(word, FAR, known, spellings)
    if near and min(near.values()) > 1:
        # Two edits reach many names that nobody meant: of tazocin, which no table has, tancin.
        near = {name: away for name, away in near.items() if name in here or _is_drug(name, known)}
    least = min(near.values(), default=0)
    nearest = [name for name, away in near.items() if away == least]
    found = _decide(word, _without_spellings(nearest, known, is_spelling), known, here)
    if least > 1 and found.read_as and not _is_surely(found, known):
        return Reading(word, may_be=(found.read_as,))
    return _unless_cut_short(found, known)


def _is_surely(one: Reading, known: KnownNames) -> bool:
    """With two slips, a brand is one only if it sounds so: `seraquil`. Marevan is warfarin, and no
    Marplan."""
    return known.is_generic(one.read_as) or sound(one.read_as) == sound(one.word)


def _unless_cut_short(found: Reading, known: KnownNames) -> Reading:
    """A long word that begins another name may be short for it: `norflox` is not only Norflex."""
    word, name = found.word, found.read_as
    if not name or len(word) < SHORTEST_BEGINNING or name.startswith(word):
        return found
    others = [one for one in known.beginning(word, MOST_ASKED) if one != name]
    return Reading(word, may_be=(name, *others)[:MOST_ASKED]) if others else found


def _without_spellings(
    names: Sequence[str], known: KnownNames, is_spelling: IsSpelling
) -> Sequence[str]:
    """A misspelling in the catalog (`metoroprolol`) does not turn `metoprolol` into a question."""
    drugs = [name for name in names if known.means(name)]
    if not drugs or len({known.means(name) for name in drugs}) > 1 or len(drugs) == len(names):
        return names
    return [one for one in names if known.is_name(one) or not is_spelling(one, drugs[0])]


def may_be_misspelt(word: str, *, alone: bool) -> bool:
    """Next to other words, it must be one letter longer."""
    return len(word) >= (SHORTEST if alone else SHORTEST + 1) and word.isalpha()


def _near(
    word: str, edits: int, known: KnownNames, spellings: Spellings
) -> tuple[dict[str, int], set[str]]:
    """Names with their edit distances, and those that the catalog has.

    A very short word is near everything, so three letters get one edit.
    """
    here = set(map(fold, spellings(word, edits)))
    away = {one: distance(word, one) for one in here}
    most = min(edits, (len(word) - 1) // 3)
    # If anything is one edit away, nothing further matters.
    found = {**known.near(word, 1), **away} if most else {}
    if most > 1 and min(found.values(), default=most) > 1:
        found |= known.near(word, most)
    return {
        name: edits_
        for name, edits_ in found.items()
        if 0 < edits_ <= most and len(name) >= SHORTEST - 1 and " " not in name
    }, here


def _is_drug(name: str, known: KnownNames) -> bool:
    """A substance of the directory by its own name, and no brand that this catalog lacks."""
    return bool(known.means(name)) and known.is_generic(name)


def _decide(word: str, nearest: Sequence[str], known: KnownNames, here: set[str]) -> Reading:
    """One reading if all of them are one drug; names of the catalog first."""
    ordered = sorted(nearest, key=lambda name: (name not in here, name[0] != word[0], name))
    drugs = {known.means(name) or frozenset((frozenset((name,)),)) for name in ordered}
    if not ordered:
        return Reading(word)
    if len(drugs) == 1:
        return Reading(word, read_as=ordered[0])
    return Reading(word, may_be=tuple(ordered[:MOST_ASKED]))


def unless_begun(
    readings: Mapping[str, Reading], begun: Sequence[Substances], known: KnownNames
) -> dict[str, Reading]:
    """A word that also begins other drugs' names is not corrected: that would be a guess."""
    kept = {}
    for word, one in readings.items():
        same = all(any(each <= of for each in known.means(one.read_as)) for of in begun)
        if one.read_as and same:
            kept[word] = one
        elif one.read_as:
            kept[word] = Reading(word, may_be=(one.read_as,))
    return kept
