"""What an answer says about a query's names: not in the catalog, misspelled, or no names."""

from collections.abc import Iterator, Mapping, Sequence

from workflow.search import notices
from workflow.search.known import KnownNames, Substances
from workflow.search.left_out import NEGATING
from workflow.search.naming import Term, tells
from workflow.search.notices import Notice
from workflow.search.ordinary import ORDINARY
from workflow.search.queries import Query
from workflow.search.ranking import Match
from workflow.search.spelling import EDITS, MOST_ASKED, Reading, may_be_misspelt

Present = Mapping[str, bool]
"""Whether the catalog has each term, by what was typed."""

Readings = Mapping[str, Reading]


def which(terms: Sequence[Term]) -> Iterator[Notice]:
    """A question for each name of several drugs."""
    for term in terms:
        yield notices.did_you_mean(term.typed, meanings_of(term))


def meanings_of(term: Term) -> list[str]:
    """Each by the names of its substances."""
    return sorted(notices.listed(sorted(one)) for one in term.means)


def missing(
    terms: Sequence[Term], present: Present, readings: Readings, known: KnownNames, query: Query
) -> Iterator[Notice]:
    """What a misspelled word may be; then each known name that the catalog lacks."""
    for one in readings.values():
        if one.may_be:
            yield notices.did_you_mean(one.word, one.may_be)
    for term in _missing(terms, present, readings):
        if known.is_name(term.name) and tells(term, query) and _may_lack(term, query):
            said = term.name if term.typed in readings else term.typed
            yield notices.not_in_catalog(said, _first_meaning(term))


def _may_lack(term: Term, query: Query) -> bool:
    """An ordinary word is the name of a drug only alone: the bed of `wets the bed` is none."""
    return term.name not in ORDINARY or set(term.words) == set(query.telling)


def nearest(terms: Sequence[Term], present: Present, known: KnownNames) -> Iterator[Notice]:
    """For a name that no directory has, the drugs that are spelled like it: `ibuprophen`."""
    for term in terms:
        name = term.name
        lacks = not present.get(term.typed) and not term.means and known.is_name(name)
        if lacks and name not in ORDINARY and may_be_misspelt(name, alone=False):
            near = known.near(name, EDITS)
            drugs = sorted(filter(known.means, near), key=lambda one: (near[one], one))
            if drugs:
                yield notices.did_you_mean(term.typed, drugs[:MOST_ASKED])


def unknown(
    terms: Sequence[Term],
    present: Present,
    readings: Readings,
    known: KnownNames,
    query: Query,
    *,
    begun: bool,
) -> Iterator[Notice]:
    """The words that no name has, where others of the query are searched for.

    `begun`: drugs are shown whose names begin as the query's last word does. Negated words are told
    apart.
    """
    lacking = _missing(terms, present, readings)
    words = [one.name for one in lacking if not known.is_name(one.name) and not begun]
    words = [one for one in words if one not in NEGATING and one not in query.without.unread]
    if words and len(words) < len(terms):
        yield notices.unknown_word(words)


def combined(terms: Sequence[Term], matches: Sequence[Match]) -> Iterator[Notice]:
    """For a substance that the catalog has only in mixtures, or as an ester (triamcinolone)."""
    for term in terms[:1]:
        means = _first_meaning(term)
        single = {name for one in matches if len(one.substances) == 1 for name in one.substances}
        alone = sorted(name for name in single if {*means[0].split()} <= {*name.split()})
        yield notices.only_so(term.typed, means, alone, len(matches))


def substance(terms: Sequence[Term], meant: frozenset[Substances]) -> Iterator[Notice]:
    """For a name that the catalog lacks: why products of another name are shown."""
    named = [term for term in terms if term.means]
    if len(named) == len(meant) == 1:
        yield notices.by_substance(named[0].name, sorted(next(iter(meant))))


def _missing(terms: Sequence[Term], present: Present, readings: Readings) -> list[Term]:
    """Without those that the answer asks about."""
    asked = {word for word, one in readings.items() if one.may_be}
    return [one for one in terms if not present.get(one.typed) and one.typed not in asked]


def _first_meaning(term: Term) -> list[str]:
    return next(iter(sorted(map(sorted, term.means))), [term.name])
