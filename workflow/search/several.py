"""Abbreviations of several drugs: which of them the catalog has. The answer asks about these only.

If all meanings are one substance and mixtures of it, and the catalog has one of them, that is read:
the `humulin` of a catalog without isophane. `MS` is a question even where there is only morphine.
"""

from collections.abc import Sequence
from typing import NamedTuple

from workflow.search import notices, telling
from workflow.search.known import KnownNames, Meanings
from workflow.search.matches import Matcher
from workflow.search.naming import Term, spelled
from workflow.search.notices import Notice


class Chosen(NamedTuple):
    """The terms with the meanings that the catalog has, and what the answer says of them.

    `decided`: each means one thing.
    """

    terms: list[Term]
    notices: list[Notice]
    decided: bool


def chosen(terms: Sequence[Term], matcher: Matcher, known: KnownNames) -> Chosen:
    """One round trip."""
    asks = [term for term in terms if known.asks(term.name)]
    each = [(term, one) for term in asks for one in sorted(term.means, key=sorted)]
    found = matcher.match_each([[spelled(one, term.typed)] for term, one in each])
    here = {
        (term.typed, one)
        for (term, one), matches in zip(each, found, strict=True)
        if not all(match.unasked for match in matches)
    }
    read: list[Term] = []
    told: list[Notice] = []
    decided = True
    for term in terms:
        means = frozenset(one for one in term.means if (term.typed, one) in here)
        if term not in asks:
            read.append(term)
        elif len(means) == 1 and frozenset.intersection(*term.means):
            read.append(_read(term, means, matcher))
            if read[-1].name != term.name:
                told.append(notices.read_as(term.typed, read[-1].name))
        else:
            decided = False
            read.append(term._replace(means=means))
            told += telling.which([read[-1]]) if means else [_none_of(term)]
    return Chosen(read, told, decided)


def _read(term: Term, means: Meanings, matcher: Matcher) -> Term:
    """By its own name if drugs are called so."""
    if any(of.words.issuperset(term.words) for of in matcher.texts.values()):
        return term._replace(means=means)
    return spelled(next(iter(means)), term.typed)


def _none_of(term: Term) -> Notice:
    return notices.none_of(term.typed, telling.meanings_of(term))
