"""What the words of a query say: names, a strength, a form, a route, lay words."""

import re
from typing import Final, NamedTuple

from workflow.contract.folding import fold, fold_words, plain
from workflow.search.amounts import Asked, asked_of
from workflow.search.known import LONGEST_NAME, KnownNames, known_names
from workflow.search.left_out import NOTHING_LEFT_OUT, Without, excludes, left_out
from workflow.search.orders import as_on_labels
from workflow.search.synonyms import Synonyms
from workflow.search.vocabulary import (
    CLASS_TYPES,
    FILLERS,
    FORMS,
    ROUTES,
    ROUTES_OF_CLASSES,
    is_description,
)
from workflow.search.written import Strength

LONGEST_QUERY: Final = 200

_WITHOUT: Final = re.compile(r"\bw/o\b")
_NUMBER: Final = re.compile(r"\bno\.? ?#?(?=[0-9]+(?: |$))")
_PATIENT: Final = re.compile(
    r"\b(?:my|our|his|her|the|a) (?:(?:little|old|elderly|dear) )?(?:mom|mum|dad|mother|father|"
    r"husband|wife|son|daughter|boy|girl|grandma|grandpa|partner|brother|sister|dog|cat)s?\b"
    r"|\b[0-9]+[ -]?(?:years?|yrs?|yo|y/o|months?|mos?|weeks?|wks?|days?)(?:[ -]old|\b)"
)
"""Who is ill and for how long: `my mom`, `5 year old`, `3 days`."""

_IMMEDIATE: Final = re.compile(r"\b(?:ir|immediate release)\b")


class Query(NamedTuple):
    """A query, parsed. `whole` are all its words, `words` those that are no amount, in its
    order, and not `without`; `lay` are those that mean `classes` and `drugs` (`uses.UseDrug`).

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
    drugs: tuple[str, ...] = ()
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
    def of_class(self) -> tuple[str, ...]:
        """Those that may be words of a class's name."""
        return tuple(word for word in self.undescribed if word not in CLASS_TYPES)

    @property
    def is_lay_by_form(self) -> bool:
        """Its lay words are a form or a route, and it has others: `symbacort inhaler`."""
        return bool(self.lay and self.undescribed) and all(map(is_description, self.lay))

    @property
    def without_lay(self) -> "Query":
        return self._replace(classes=(), lay=frozenset(), drugs=())

    @property
    def has_amounts(self) -> bool:
        return bool(self.strengths or self.bare)


def understand(text: str, synonyms: Synonyms, known: KnownNames | None = None) -> Query:
    """Parse a query. What is neither strength nor filler is looked up as a name."""
    known = known or known_names()
    typed = _WITHOUT.sub("without", plain(text[:LONGEST_QUERY]))
    shown = _spelled_out(typed, known)
    asked = _amounts(shown, synonyms, known)
    rest, without = left_out(fold_words(asked.rest), synonyms, known)
    meant = synonyms.meant_by(rest, known)
    forms = (FORMS[word] for word in dict.fromkeys(rest) if FORMS.get(word))
    routes = (route for word in rest for route in _routes_of(word))
    return Query(
        text=shown,
        whole=fold_words(shown),
        words=rest,
        strengths=asked.strengths,
        bare=asked.bare,
        numbers=asked.numbers,
        forms=tuple(dict.fromkeys(forms)),
        routes=tuple(dict.fromkeys(routes)),
        classes=meant.classes,
        lay=meant.lay,
        drugs=meant.drugs,
        without=without._replace(typed=excludes(fold_words(typed))),
    )


def _routes_of(word: str) -> list[str]:
    return [of[word] for of in (ROUTES, ROUTES_OF_CLASSES) if word in of]


def _spelled_out(text: str, known: KnownNames) -> str:
    """`ir` is not extended, `tylenol no 3` has a number, and orders are as labels are.

    A known name stays as it is: `red no 105 1`.
    """
    if known.means(fold(text)):
        return text
    shown = _NUMBER.sub("", text)
    shown = _PATIENT.sub(" ", shown)
    return as_on_labels(_IMMEDIATE.sub("not extended release", shown))


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
    lay = synonyms.meant_by(words, known).lay
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
