"""The names that a query spells, and what each of them means."""

from collections.abc import Mapping, Sequence
from itertools import islice, product
from typing import Final, NamedTuple

from workflow.search.known import LONGEST_NAME, NOTHING, KnownNames, Meanings, Substances
from workflow.search.ordinary import ORDINARY
from workflow.search.queries import Query
from workflow.search.substances import JOINTS, MINERALS, SALTS
from workflow.search.vocabulary import FILLERS, KINDS, NO_BEGINNINGS, is_description

SHORTEST_PREFIX: Final = 3
SHORTEST_SHORT: Final = 4
"""Letters before a strength that may be short for a name: `lipi 40`."""

CAUSING: Final = frozenset(("from", "after"))
BEFORE_CAUSES: Final = frozenset(("my", "taking", "the", "using", "on"))
"""Words before the name of what causes a use, and words between."""

MOST_MEANINGS: Final = 64
"""How many combinations of the meanings of several names are tried."""


class Term(NamedTuple):
    """One name of a query: its words, the sets of substances that it may mean, what was typed.

    `lay` if the same words also mean a class: iron is a substance and a use.
    """

    words: tuple[str, ...]
    means: Meanings
    typed: str
    lay: bool = False

    @property
    def name(self) -> str:
        return " ".join(self.words)


def terms_of(query: Query, known: KnownNames, read: Mapping[str, str] | None = None) -> list[Term]:
    """The longest known names of the query, then its other words, each by itself.

    `read` has misspelled words and what they are read as.
    """
    read = read or {}
    typed = query.words
    words = tuple(read.get(word, word) for word in typed)
    found: list[Term] = []
    place = 0
    while place < len(words):
        size = _longest(words, place, query, known)
        name = " ".join(words[place : place + (size or 1)])
        if query.lay and _is_cause(words, place):
            place += size or 1
            continue
        if size or _may_name(words[place], query, behind=bool(found)):
            lay = all(word in query.lay for word in typed[place : place + (size or 1)])
            spelt = " ".join(typed[place : place + (size or 1)])
            found.append(Term(tuple(name.split()), known.means(name), spelt, lay))
        place += size or 1
    return (
        _without_sentence(found, query) if query.lay else found or _from_descriptions(query, known)
    )


def _is_cause(words: Sequence[str], place: int) -> bool:
    """What causes a use is not asked for: the clozapine of `drooling from clozapine`."""
    while place and words[place - 1] in BEFORE_CAUSES:
        place -= 1
    return place > 0 and words[place - 1] in CAUSING


def _without_sentence(terms: Sequence[Term], query: Query) -> list[Term]:
    """Next to lay words, only a known name is a name:

    `aspirin for a headache`. A name that is also a lay word is looked up if it is the whole query:
    `iron`.
    """
    alone = len(terms) == 1 and set(terms[0].typed.split()) == set(query.telling)
    return [term for term in terms if term.means and (alone or not term.lay)]


def _longest(words: Sequence[str], place: int, query: Query, known: KnownNames) -> int:
    """How many words from here are the longest known name; 0 if there is none."""
    for size in range(min(LONGEST_NAME, len(words) - place), 0, -1):
        span = words[place : place + size]
        name = " ".join(span)
        if not known.means(name) or not _is_named(span, query):
            continue
        if _is_use(span, query, known):
            continue
        return _without_form(span, known)
    return 0


def _is_use(span: Sequence[str], query: Query, known: KnownNames) -> bool:
    """Lay words that are a name as well, and of none of the substance's: `head lice` are no drug.

    The `insulin` of `insulin nph` is its substance's name, and `T3` is a question.
    """
    lay, name = query.lay.intersection(span), " ".join(span)
    if not lay or known.is_substance(name) or known.asks(name):
        return False
    means = known.means(" ".join(span))
    own = {word for of in means for one in of for word in one.split()}
    return lay.issuperset(span) or not (own & lay or any(map(known.is_name, span)))


def _without_form(span: Sequence[str], known: KnownNames) -> int:
    """How many words are the name, if the last ones only say the form: `prednisone tablets`."""
    means = known.means(" ".join(span))
    size = len(span)
    while size > 1 and is_description(span[size - 1]):
        if known.means(" ".join(span[: size - 1])) != means:
            break
        size -= 1
    return size


def _is_named(span: Sequence[str], query: Query) -> bool:
    """Not a form, a route, a salt or a filler alone."""
    return len(span) > 1 or not (is_description(span[0]) or span[0] in SALTS or span[0] in FILLERS)


def _may_name(word: str, query: Query, *, behind: bool) -> bool:
    """A mineral is a salt only after a name: the potassium of `potassium salt` is not."""
    if word in query.lay or word in FILLERS or word in JOINTS or is_description(word):
        return False
    if word in KINDS or word.isdigit():
        return False
    return word not in SALTS or (word in MINERALS and not behind)


def _from_descriptions(query: Query, known: KnownNames) -> list[Term]:
    """If a query has neither names nor lay words:

    `sodium`, `eye gel`. Fentanyl citrate has the word `citrate`, and is another drug.
    """
    words = dict.fromkeys(word for word in query.telling if not word.isdigit())
    return [Term((one,), known.means(one) if one in SALTS else NOTHING, one) for one in words]


def meant_sets(terms: Sequence[Term]) -> frozenset[Substances]:
    """The sets of substances that the terms may mean together."""
    known = [term.means for term in terms if term.means]
    together = islice(product(*known), MOST_MEANINGS) if known else ()
    return frozenset(frozenset().union(*one) for one in together)


def spelled(substances: Substances, typed: str) -> Term:
    """The term of these substances, by their names."""
    words = dict.fromkeys(word for one in sorted(substances) for word in one.split())
    return Term(tuple(words), frozenset((substances,)), typed)


def may_go_on(term: Term, query: Query) -> bool:
    """The last word of a query may be the beginning of a name that is still being typed.

    Before a strength it is short for one, if it is the only word: `lipi 40`.
    """
    if len(term.words) > 1 or term.means:
        return False
    if query.whole[-1:] == (term.typed,):
        return len(term.name) >= SHORTEST_PREFIX
    return query.words == (term.typed,) and begins_names(term.name, SHORTEST_SHORT)


def begins_names(word: str, shortest: int) -> bool:
    """False for words that say something else before a number: `dec 25`, `drop 5`, `line 2`."""
    return len(word) >= shortest and not is_description(word) and word not in NO_BEGINNINGS


def are_names(terms: Sequence[Term], query: Query, known: KnownNames) -> bool:
    """True if meaning can add nothing: the query asks for a drug, in this catalog or not.

    The `insulin` of `insulin glargine` asks for no other insulin.
    """
    named = {word for term in terms for word in term.typed.split() if tells(term, query)}
    if not query.lay <= named:
        return False
    every = bool(terms) and all(known.is_name(term.name) for term in terms)
    return every or any(term.means for term in terms)


def tells(term: Term, query: Query) -> bool:
    """True if the term says more than lay words: the `insulin nph` of `insulin`."""
    return any(word not in query.lay for word in term.typed.split())


def is_unknown(term: Term, known: KnownNames) -> bool:
    """True for a word that may be a misspelled name."""
    if term.lay or term.name in ORDINARY or is_description(term.name):
        return False
    return len(term.words) == 1 and not known.is_name(term.name)


def alternatives_of(term: Term) -> tuple[tuple[str, ...], ...]:
    """The words of a term, or those of all substances of one of its meanings."""
    meanings = (
        tuple(word for one in sorted(means) for word in one.split())
        for means in sorted(term.means, key=sorted)
    )
    return (term.words, *meanings)
