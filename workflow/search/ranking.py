"""Ranks the texts that contain the names of a query."""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import isclose
from typing import Final, NamedTuple

from workflow.contract.ports.search import Hit
from workflow.search.facts import HOMEOPATHIC, OVER_THE_COUNTER, Facts
from workflow.search.known import KnownNames, Meanings, Substances
from workflow.search.naming import Term, meant_sets
from workflow.search.queries import Query
from workflow.search.strength_met import SYSTEMIC, strength_of
from workflow.search.strengths import ONE_ML, Amount
from workflow.search.substances import salts_of

LAST: Final = 3
"""Homeopathic products are no answers unless the query asks for them."""

ORAL: Final = "oral"
SPRAY: Final = "spray"
"""Of a form: it is not swallowed, also where its route is oral."""

PER_ML: Final = re.compile(r"/ ?ml\b")


class Match(NamedTuple):
    """A text that holds every name of a query: by its own names, or by its substances.

    `named_so`: one of its names is the query. `unasked`: it is a homeopathic, and none is asked
    for. `has_amounts`: every amount of the query is one of its own, whatever else it has; or, if
    `as_sum`, it is the sum of these.
    """

    hash: str
    by_name: bool
    named_so: bool
    unasked: bool
    substances: Substances
    strength: float
    has_amounts: bool
    place: tuple[object, ...]
    as_sum: bool


def match(query: Query, terms: Sequence[Term], texts: Mapping[str, Facts]) -> list[Match]:
    """The texts that hold all terms, best first.

    The very name comes first, then the right strength, then no other substance, then the form.
    """
    meant = meant_sets(terms)
    asked = frozenset(word for term in terms for word in term.words)
    found = [
        _placed(hash_, facts, query, asked, meant, by_name=by_name)
        for hash_, facts in texts.items()
        if (by_name := _holds(facts, terms)) is not None
    ]
    return sorted(found, key=lambda one: one.place)


def _holds(facts: Facts, terms: Sequence[Term]) -> bool | None:
    """Whether the names hold all terms; None if some are not even meant by the substances."""
    by_name = True
    for term in terms:
        if not facts.words.issuperset(term.words):
            if not _is_meant(term.means, facts.substances):
                return None
            by_name = False
    return by_name


def _placed(
    hash_: str,
    facts: Facts,
    query: Query,
    asked: frozenset[str],
    meant: frozenset[Substances],
    *,
    by_name: bool,
) -> Match:
    met = strength_of(query, facts)
    named_so = query.whole in facts.spelt or query.words in facts.spelt
    rare = unusual(facts, query.words)
    place = (
        query.has_amounts and met.share < 1,
        rare > 1,
        _is_other_salt(query, facts),
        _is_no_pill(query, facts),
        not facts.is_called_so(query.whole, query.words),
        _is_mixture(facts, meant),
        -met.share,
        rare,
        -form_of(query, facts),
        len(facts.form),
        -facts.share_of(asked),
        facts.letters,
        facts.by_amount,
        facts.order,
        hash_,
    )
    return Match(
        hash_,
        by_name,
        named_so,
        rare == LAST,
        facts.substances,
        met.share,
        met.every,
        place,
        met.as_sum,
    )


def _is_meant(means: Meanings, substances: Substances) -> bool:
    return any(one <= substances for one in means)


def _is_mixture(facts: Facts, meant: frozenset[Substances]) -> bool:
    """It has other substances than were asked for, by its names or by the number of its amounts.

    Donnatal's generic name is phenobarbital, and its strength has four amounts.
    """
    if meant and facts.substances not in meant:
        return True
    amounts = sum(any(of.unit != "ml" for of in one.forms) for one in facts.amounts)
    return bool(facts.substances) and amounts > len(facts.substances)


def _is_other_salt(query: Query, facts: Facts) -> bool:
    """Its names do not say the salt that was asked for: they may spell another one wrongly."""
    asked = salts_of(query.words[1:])
    return bool(asked) and not asked & salts_of(facts.words)


def _is_no_pill(query: Query, facts: Facts) -> int:
    """Of one strength, what is swallowed comes first, then other units, then volumes, then percent.

    `clonidine 0.1` is a tablet before a patch, and `hydrocodone/apap 7.5-325` no 15 mL.
    """
    if not query.has_amounts or query.forms or query.routes:
        return 0
    in_volume = any(map(_is_in_volume, facts.amounts))
    asked = {one for one in query.strengths if one.unit == "ml"}
    if asked or PER_ML.search(query.text):
        held = {of for one in facts.amounts for of in one.volumes}
        return 2 if not in_volume else int(not (asked or {ONE_ML}) & held)
    if any(one.unit == "%" for one in query.strengths):
        return int(not in_volume)
    numbers = [one.number for one in facts.amounts]
    as_written = all(any(isclose(one, of) for of in numbers) for one in query.bare)
    systemic = bool(facts.routes & SYSTEMIC)
    if not in_volume and (systemic or as_written):
        return int(ORAL not in facts.routes or SPRAY in facts.form)
    # Where a drug works where it is put, a bare number is rather percent: `clobetasol 0.05`.
    return 2 if in_volume and as_written == systemic else 3


def _is_in_volume(one: Amount) -> bool:
    """It is in millilitres, or in grams: `20 meq/1.5g` is a powder."""
    per = any(of.unit in ("ml", "mg") for of in one.volumes)
    return per or any(of.unit == "%" for of in one.forms)


def form_of(query: Query, facts: Facts) -> float:
    """The share of the query's forms and routes that a drug has."""
    asked = len(query.forms) + len(query.routes)
    if not asked:
        return 0.0
    met = sum(any(word in facts.form for word in form) for form in query.forms)
    return (met + sum(route in facts.routes for route in query.routes)) / asked


def unusual(facts: Facts, asked: Sequence[str]) -> int:
    """3 for homeopathics, 2 for kits, extracts and their like, 1 for what needs no prescription;
    unless asked for."""
    if facts.unusual and not facts.unusual.issubset(asked):
        return LAST if HOMEOPATHIC in facts.unusual else 2
    return int(facts.over_the_counter and OVER_THE_COUNTER not in asked)


def by_distance(hits: Iterable[Hit]) -> list[Hit]:
    """Nearest first; equally near ones by name, so that two searches give the same order."""
    return sorted(hits, key=lambda hit: (hit.distance, hit.name))


def any_usable(matches: Sequence[Match], terms: Sequence[Term]) -> bool:
    """True if a text has the names, or exactly the substances that they mean."""
    meant = meant_sets(terms)
    return any(one.by_name or one.substances in meant for one in matches)


def is_asked(one: Match, meant: frozenset[Substances], query: Query) -> bool:
    """Tylenol is acetaminophen; Tylenol with Codeine is another drug, unless its strength is asked
    for.

    If no table knows the name, only the catalog can say.
    """
    if not meant or one.named_so or one.substances in meant:
        return True
    several = len(query.strengths) + len(query.bare) > 1
    return several and one.strength == 1 and any(each <= one.substances for each in meant)


def own_substances(found: Sequence[Match], known: KnownNames) -> frozenset[Substances]:
    """The substances of the best text, if they are known."""
    best = found[0].substances if found else frozenset()
    return frozenset((best,)) if best and all(map(known.is_substance, best)) else frozenset()
