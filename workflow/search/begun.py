"""One drug by the beginning of its name, next to a strength, a form or a route: `atorva 40`,
`furos 40 iv`, `halop dec 100`, `pen g benz`.

It is read so if the catalog has one such drug in the strength and the form asked for. Others, and
beginnings of few letters, are a question. Names that are still being typed are looked up as they
are.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Final

from workflow.search import notices
from workflow.search.known import KnownNames
from workflow.search.matches import Matcher
from workflow.search.naming import Term, begins_names, spelled
from workflow.search.queries import Query
from workflow.search.ranking import Match
from workflow.search.shortened import MOST_ASKED, SpelledOut
from workflow.search.vocabulary import FILLERS

SHORTEST: Final = 3
SHORTEST_READ: Final = 4
"""Fewer letters are a question: `mor 10` may be morphine, and may be anything."""

MOST_WORDS: Final = 3
MOST_BEGUN: Final = 40
"""Substances that begin so, and are looked up in one round trip."""


def begun(
    terms: Sequence[Term], query: Query, matcher: Matcher, known: KnownNames
) -> SpelledOut | None:
    """None if the words are no beginning of a drug's name, or if the catalog has no such drug."""
    words = _words_begun(terms, query, known)
    names = known.begun_by(words) if words else []
    if not 0 < len(names) <= MOST_BEGUN:
        return None
    typed = " ".join(term.typed for term in terms)
    read = [spelled(frozenset((name,)), typed) for name in names]
    found = zip(read, matcher.match_each([[one] for one in read]), strict=True)
    here = {one: _of_it(matches, one) for one, matches in found if _of_it(matches, one)}
    fit = [one for one, matches in here.items() if any(map(matcher.fits, matches))]
    if not here:
        return None
    meant = _one_drug(fit) if len(terms[0].name) >= SHORTEST_READ else None
    if meant and not any(_is_anothers(term, meant, known) for term in terms):
        return SpelledOut([meant], [notices.read_as(typed, meant.name)])
    called = sorted({" ".join(sorted(next(iter(one.means)))) for one in fit or here})
    return SpelledOut([], [notices.did_you_mean(typed, called[:MOST_ASKED])])


def _words_begun(terms: Sequence[Term], query: Query, known: KnownNames) -> tuple[str, ...]:
    """The words to look up; none if they are names as they are, or words of a sentence."""
    asks = query.has_amounts or query.forms or query.routes or len(terms) > 1
    if not asks or query.lay or any(word in FILLERS for word in query.words):
        return ()
    if all(term.means for term in terms):
        return ()
    first = _in_full(terms[0])
    words = (*first, *chain.from_iterable(term.words for term in terms[1:]))
    if len(words) > MOST_WORDS or not all(map(str.isalpha, words)):
        return ()
    return words if begins_names(words[0], SHORTEST) else ()


def _is_anothers(term: Term, meant: Term, known: KnownNames) -> bool:
    """A drug's name somewhere is never read as another's: then the beginning is a question."""
    return known.is_name(term.name) and not term.means and term.name not in meant.words


def _in_full(first: Term) -> tuple[str, ...]:
    """The `pen g` of `pen g benz` is penicillin G."""
    substances = next(iter(first.means)) if len(first.means) == 1 else frozenset()
    return tuple(next(iter(substances)).split()) if len(substances) == 1 else first.words


def _of_it(matches: Sequence[Match], one: Term) -> list[Match]:
    return [match for match in matches if match.substances in one.means and not match.unasked]


def _one_drug(terms: Sequence[Term]) -> Term | None:
    """One term for all of them if they are esters of one drug: both fluticasones."""
    if not terms:
        return None
    names = [" ".join(sorted(next(iter(term.means)))) for term in terms]
    shortest = min(names, key=len)
    if not all(f"{name} ".startswith(f"{shortest.split()[0]} ") for name in names):
        return None
    if len(terms) == 1:
        return terms[0]
    means = frozenset(chain.from_iterable(term.means for term in terms))
    return Term((shortest.split()[0],), means, terms[0].typed)
