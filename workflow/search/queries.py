"""What the words of a query say: names, a strength, a form, a route, lay words."""

from itertools import chain, pairwise, takewhile
from typing import Final, NamedTuple

from workflow.contract.folding import fold, fold_words, plain
from workflow.search.known import LONGEST_NAME, KnownNames, Meanings, known_names
from workflow.search.strengths import Asked, Strength, asked_of
from workflow.search.synonyms import Synonyms
from workflow.search.vocabulary import (
    FILLERS,
    FORMS,
    FREE,
    NEGATIONS,
    ROUTES,
    ROUTES_OF_CLASSES,
)

LONGEST_QUERY: Final = 200


class Without(NamedTuple):
    """What an answer must not contain: `words` of the query, and what they mean.

    `described` are words of forms and routes.
    """

    words: tuple[str, ...]
    means: tuple[Meanings, ...]
    classes: tuple[str, ...]
    described: frozenset[str]


NOTHING_LEFT_OUT: Final = Without((), (), (), frozenset())


class Query(NamedTuple):
    """A query, parsed. `whole` are all its words, `words` those that are no amount, in its
    order, and not `without`; `lay` are those that mean `classes`.

    `bare` are numbers behind a name, without a unit; `numbers` the digits of all amounts. Each of
    `forms` is one word of the query: the words of a form that it may mean.
    """

    text: str
    whole: tuple[str, ...]
    words: tuple[str, ...]
    strengths: tuple[Strength, ...]
    bare: tuple[float, ...]
    numbers: tuple[str, ...]
    forms: tuple[tuple[str, ...], ...]
    routes: tuple[str, ...]
    classes: tuple[str, ...]
    lay: frozenset[str]
    without: Without = NOTHING_LEFT_OUT

    @property
    def telling(self) -> tuple[str, ...]:
        """The words without fillers."""
        return tuple(word for word in self.words if word not in FILLERS)

    @property
    def undescribed(self) -> tuple[str, ...]:
        """The telling words without forms and routes."""
        return tuple(word for word in self.telling if not is_description(word))

    @property
    def has_amounts(self) -> bool:
        return bool(self.strengths or self.bare)


def understand(text: str, synonyms: Synonyms, known: KnownNames | None = None) -> Query:
    """Parse a query. What is neither strength nor filler is looked up as a name."""
    shown = plain(text[:LONGEST_QUERY])
    known = known or known_names()
    asked = _amounts(shown, synonyms, known)
    whole, rest = fold_words(shown), fold_words(asked.rest)
    rest, without = _left_out(rest, synonyms, known, _negations(whole))
    classes, lay = synonyms.classes_of(rest)
    forms = (FORMS[word] for word in dict.fromkeys(rest) if FORMS.get(word))
    routes = (route for word in rest for route in _routes_of(word))
    return Query(
        text=shown,
        whole=whole,
        words=rest,
        strengths=asked.strengths,
        bare=asked.bare,
        numbers=asked.numbers,
        forms=tuple(dict.fromkeys(forms)),
        routes=tuple(dict.fromkeys(routes)),
        classes=classes,
        lay=lay,
        without=without,
    )


def _routes_of(word: str) -> list[str]:
    return [of[word] for of in (ROUTES, ROUTES_OF_CLASSES) if word in of]


def _negations(whole: tuple[str, ...]) -> frozenset[str]:
    """The words that negate in this query. `no` before a number is short for it: `tylenol no 3`."""
    numbered = any(word == "no" and after.isdigit() for word, after in pairwise(whole))
    return NEGATIONS - {"no"} if numbered else NEGATIONS


def _left_out(
    words: tuple[str, ...], synonyms: Synonyms, known: KnownNames, negations: frozenset[str]
) -> tuple[tuple[str, ...], Without]:
    """The words without those that are negated: `tylenol without codeine`, `aspirin free`.

    They are names, lay words, forms and routes. Products are called `Preservative Free`, so other
    words stay. A negation that belongs to a name or to lay words is none: `non steroidal`.
    """
    lay = synonyms.classes_of(words)[1]
    if known.means(" ".join(words)) or not (FREE in words or negations.intersection(words)):
        return words, NOTHING_LEFT_OUT
    kept: list[str] = []
    out: list[tuple[str, ...]] = []
    place = 0
    while place < len(words):
        negates = words[place] in negations
        start, size = _negated(words, place, negates, synonyms, known)
        if not size or words[start - 1 if negates else place + 1] in lay:
            kept.append(words[place])
            place += 1
        else:
            out.append(words[start : start + size])
            place = start + size if negates else place + 2
    names = tuple(" ".join(one) for one in out)
    means = tuple(filter(None, map(known.means, names)))
    classes = (name for one in out for name in synonyms.classes_of(one)[0])
    described = (word for one in out if is_description(one[0]) for word in _described(one[0]))
    return tuple(kept), Without(names, means, tuple(dict.fromkeys(classes)), frozenset(described))


def _negated(
    words: tuple[str, ...], place: int, negates: bool, synonyms: Synonyms, known: KnownNames
) -> tuple[int, int]:
    """Where what is negated here begins, and how many words it has; none if it is 0.

    `place` has the negation, or the only word before `free`.
    """
    if not negates:
        left_out = FREE in words[place + 1 : place + 2] and _size(
            words[place : place + 1], synonyms, known
        )
        return place, int(left_out)
    start = place + 1
    while start < len(words) and words[start] in FILLERS:
        start += 1
    rest = words[start:]
    return start, _size(rest, synonyms, known) or _described_size(rest)


def _size(words: tuple[str, ...], synonyms: Synonyms, known: KnownNames) -> int:
    """How many of the first words are a name, the longest, or lay words, the fewest."""
    spans = [words[:size] for size in range(1, min(LONGEST_NAME, len(words)) + 1)]
    named = (len(span) for span in reversed(spans) if known.means(" ".join(span)))
    lay = (len(span) for span in spans if synonyms.classes_of(span)[1].issuperset(span))
    return next(chain(named, lay), 0)


def _described_size(words: tuple[str, ...]) -> int:
    """One form or route at the beginning, such as `extended release`."""
    if not words or not is_description(words[0]):
        return 0
    return 1 + len(list(takewhile(lambda word: FORMS.get(word) == (), words[1:])))


def _described(word: str) -> tuple[str, ...]:
    """The words that a form or a route has, where this one is asked for."""
    return FORMS.get(word) or (ROUTES.get(word, word),)


def _amounts(text: str, synonyms: Synonyms, known: KnownNames) -> Asked:
    """A bare number that belongs to a name is not an amount:

    `omega 3`, `vitamin b 12`. Nor is any part of a text that is itself a known name: `2 l menthoxy
    ethanol`.
    """
    if known.means(fold(text)):
        return Asked((), (), (), text)
    asked = asked_of(text)
    if asked.bare and _numbers_name(fold_words(text), synonyms, known):
        return asked_of(text, bare=False)
    return asked


def _numbers_name(words: tuple[str, ...], synonyms: Synonyms, known: KnownNames) -> bool:
    """True if a number of these words is a part of a known name or of lay words."""
    lay = synonyms.classes_of(words)[1]
    return any(
        word.isdigit() and (word in lay or _in_name(words, place, known))
        for place, word in enumerate(words)
    )


def _in_name(words: tuple[str, ...], place: int, known: KnownNames) -> bool:
    return any(
        known.means(" ".join(words[start:end]))
        for start in range(max(0, place - LONGEST_NAME + 1), place + 1)
        for end in range(max(place + 1, start + 2), min(len(words), start + LONGEST_NAME) + 1)
    )


def is_description(word: str) -> bool:
    """True for words of forms and routes, which a name need not hold."""
    return word in FORMS or word in ROUTES
