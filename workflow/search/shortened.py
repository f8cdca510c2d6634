"""Mixtures by the beginnings of their substances: `bup/nalox`, `carb/levo`, `butalb-apap-caff`.

Next to another drug, a beginning or an abbreviation of several drugs means the one that the catalog
has together with it. It is read so only if all products that fit have the same substances.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from workflow.search import notices
from workflow.search.asked import Texts
from workflow.search.known import KnownNames, Meanings, Substances
from workflow.search.matches import Matcher
from workflow.search.naming import Term, alternatives_of, spelled
from workflow.search.notices import Notice
from workflow.search.queries import Query
from workflow.search.ranking import LAST, match, unusual
from workflow.search.substances import JOINTS
from workflow.search.vocabulary import FILLERS

SHORTEST: Final = 3
MOST_PARTS: Final = 5
MOST_ASKED: Final = 5

LONGEST_SHORT_NAME: Final = 4

Names = frozenset[str]
"""The terms that are read as beginnings."""

_Parts = tuple[Substances, ...]
"""What each term is, in their order."""


class SpelledOut(NamedTuple):
    """The terms with the substances that they mean, and what the answer says of it. Without terms,
    it is a question."""

    terms: list[Term]
    notices: list[Notice]


def spelled_out(
    terms: Sequence[Term], query: Query, matcher: Matcher, known: KnownNames
) -> SpelledOut | None:
    """None if the words are no such mixture, or if the catalog has none. One round trip, or two.

    A short word that is a name of its own is read as a beginning only if no mixture has it, and
    then the answer is a question: the `val` of `val amlo` is valine.
    """
    short = frozenset(term.name for term in terms if _is_short(term, known))
    found = _spelled_out(terms, query, matcher, known, short)
    names = frozenset(term.name for term in terms if _is_short_name(term, known))
    if found or not names:
        return found
    asked = _spelled_out(terms, query, matcher, known, short | names)
    if asked is None or not asked.terms:
        return asked
    typed = " ".join(term.typed for term in terms)
    mixture = sorted(one for term in asked.terms for one in min(term.means, key=sorted))
    return SpelledOut([], [notices.did_you_mean(typed, [notices.listed(mixture)])])


def _spelled_out(
    terms: Sequence[Term], query: Query, matcher: Matcher, known: KnownNames, short: Names
) -> SpelledOut | None:
    if not _may_be_mixture(terms, query, short):
        return None
    texts = matcher.ask([tuple(_ways(term, known, short) for term in terms)])[0]
    mixtures = _mixtures(terms, texts, query, known, short)
    if not mixtures or matcher.is_cut(texts):
        return None
    if not _is_one(mixtures):
        fit = {one.hash for one in match(query, [], texts) if matcher.fits(one)}
        narrowed = {hash_: facts for hash_, facts in texts.items() if hash_ in fit}
        mixtures = _mixtures(terms, narrowed, query, known, short) or mixtures
    if not _is_one(mixtures):
        typed = " ".join(term.typed for term in terms)
        names = sorted(notices.listed(sorted(one)) for one in mixtures)
        return SpelledOut([], [notices.did_you_mean(typed, names[:MOST_ASKED])])
    meant = [frozenset(of) for of in zip(*chain(*mixtures.values()), strict=True)]
    read = [_read(term, means) for term, means in zip(terms, meant, strict=True)]
    told = [
        notices.read_as(term.typed, new.name)
        for term, new in zip(terms, read, strict=True)
        if term.name in short
    ]
    return SpelledOut(read, told)


def _mixtures(
    terms: Sequence[Term], texts: Texts, query: Query, known: KnownNames, short: Names
) -> dict[Substances, list[_Parts]]:
    """What the texts are made of, where the terms share it out, and in which ways."""
    mixtures: dict[Substances, list[_Parts]] = {}
    for facts in texts.values():
        if unusual(facts, query.words) < LAST:
            for parts in _parts(terms, facts.substances, known, short):
                mixtures.setdefault(facts.substances, []).append(parts)
    return mixtures


def _is_one(mixtures: Iterable[Substances]) -> bool:
    fullest = max(mixtures, key=lambda of: (len(" ".join(of)), sorted(of)))
    return all(_is_less(one, fullest) for one in mixtures)


def _may_be_mixture(terms: Sequence[Term], query: Query, short: Names) -> bool:
    """At least two terms, one of them shortened, and no words of a sentence."""
    if not 2 <= len(terms) <= MOST_PARTS or query.lay:
        return False
    if any(word in FILLERS and word not in JOINTS for word in query.words):
        return False
    return any(term.name in short for term in terms) and all(
        term.name in short or term.means for term in terms
    )


def _is_short(term: Term, known: KnownNames) -> bool:
    """An abbreviation of several drugs, or no drug's name: a name is never read as another's."""
    if len(term.words) > 1 or known.is_name(term.name):
        return known.asks(term.name)
    return bool(known.beside(term.name)) or (len(term.name) >= SHORTEST and term.name.isalpha())


def _is_short_name(term: Term, known: KnownNames) -> bool:
    """A name of few letters, which is no drug's in full."""
    of_few = len(term.words) == 1 and SHORTEST <= len(term.name) <= LONGEST_SHORT_NAME
    return of_few and bool(term.means) and not known.is_substance(term.name)


def _ways(term: Term, known: KnownNames, short: Names) -> tuple[tuple[str, ...], ...]:
    """The alternatives of a term in the index."""
    if term.name not in short:
        return alternatives_of(term)
    beside = alternatives_of(term._replace(means=_meanings(term, known)))
    return (*beside, (f"{term.name}*",)) if len(term.name) >= SHORTEST else beside


def _meanings(term: Term, known: KnownNames) -> Meanings:
    return term.means or known.beside(term.name)


def _parts(
    terms: Sequence[Term], substances: Substances, known: KnownNames, short: Names
) -> Iterator[_Parts]:
    """Each way to share all of the substances out to the terms, none of them twice."""
    if not terms:
        if not substances:
            yield ()
        return
    for part in _parts_of(terms[0], substances, known, short):
        for others in _parts(terms[1:], substances - part, known, short):
            yield (part, *others)


def _parts_of(
    term: Term, substances: Substances, known: KnownNames, short: Names
) -> set[Substances]:
    found = {one for one in _meanings(term, known) if one <= substances}
    if term.name in short and len(term.name) >= SHORTEST:
        begun = (one for one in substances if one.startswith(term.name))
        found |= {frozenset((one,)) for one in begun}
    return found


def _is_less(one: Substances, fullest: Substances) -> bool:
    """The same mixture, some names of which leave out the ester: fluticasone for its propionate.

    Tenofovir disoproxil is not tenofovir alafenamide.
    """
    return all(any(f"{of} ".startswith(f"{name} ") for of in fullest) for name in one)


def _read(term: Term, means: Meanings) -> Term:
    if term.means == means:
        return term
    return spelled(min(means, key=sorted), term.typed)._replace(means=means)
