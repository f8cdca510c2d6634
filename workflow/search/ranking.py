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
from workflow.search.strengths import ONE_ML, PERCENT_A_MG, Amount
from workflow.search.substances import salts_of
from workflow.search.written import Strength

LAST: Final = 3
"""Homeopathic products are no answers unless the query asks for them."""

ORAL: Final = "oral"

AS_TOTAL: Final = 0.4
"""The share of a strength that is the total of a mixture: less than one of its two amounts."""

SAME_CONCENTRATION: Final = 0.9

MG_IN_A_G: Final = 1000

PER_ML: Final = re.compile(r"/ ?ml\b")
BARE_UNITS: Final = ("unit", "mg")
"""Units that people leave out, besides the one that the catalog writes."""

BARE_OF_A_PLACE: Final = (*BARE_UNITS, "%")
"""Percent as well, of what works where it is put: `timolol 0.5`, `lidocaine 2`."""

SYSTEMIC: Final = {
    *("oral", "intravenous", "intramuscular", "subcutaneous", "sublingual", "buccal", "rectal"),
    *("intrathecal", "intraspinal", "intraarterial", "respiratory", "nasal", "transdermal"),
}
"""Routes by which a drug reaches the whole body: `morphine 2.5` is never 2.5 %."""


class Match(NamedTuple):
    """A text that holds every name of a query: by its own names, or by its substances.

    `named_so`: one of its names is the query. `unasked`: it is a homeopathic, and none is asked
    for. `has_amounts`: every amount of the query is one of its own, whatever else it has.
    """

    hash: str
    by_name: bool
    named_so: bool
    unasked: bool
    substances: Substances
    strength: float
    has_amounts: bool
    place: tuple[object, ...]


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
    strength, has_amounts = strength_of(query, facts)
    named_so = query.whole in facts.spelt or query.words in facts.spelt
    rare = unusual(facts, query.words)
    place = (
        query.has_amounts and strength < 1,
        rare > 1,
        _is_other_salt(query, facts),
        _is_no_pill(query, facts),
        not named_so,
        _is_mixture(facts, meant),
        -strength,
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
        hash_, by_name, named_so, rare == LAST, facts.substances, strength, has_amounts, place
    )


def _is_meant(means: Meanings, substances: Substances) -> bool:
    return any(one <= substances for one in means)


def strength_of(query: Query, facts: Facts) -> tuple[float, bool]:
    """The share of amounts that the query and the drug have in common, 1 if all agree; and whether
    the drug has all of the query's.

    The volume that a drug is given in is not an amount: the 5 of `amoxicillin 400/5`.
    """
    if not query.has_amounts:
        return 0.0, False
    if query.bare and not query.strengths and facts.numbers.issuperset(query.bare):
        return 1.0, True
    drug = facts.amounts
    units = BARE_UNITS if facts.routes & SYSTEMIC else BARE_OF_A_PLACE
    volumes = {volume for one in drug for volume in one.volumes}
    wanted = [one for one in query.strengths if one not in volumes]
    bare = [one for one in query.bare if not any(isclose(one, of.amount) for of in volumes)]
    if not (wanted or bare):
        wanted, bare = list(query.strengths), list(query.bare)
    left, met = list(drug), 0
    every: tuple[Strength | float, ...] = (*wanted, *bare)
    for asked in every:
        held = next((one for one in left if _is_amount(asked, one, units)), None)
        if held is not None:
            left.remove(held)
            met += 1
    missed = len(every) - met
    if missed and _is_concentration(query.strengths, drug):
        return SAME_CONCENTRATION, True
    if missed and _is_total(every, drug):
        return AS_TOTAL, True
    return (met / (met + missed + len(left)) if met else 0.0), not missed


def _is_total(every: Sequence[Strength | float], drug: Sequence[Amount]) -> bool:
    """Mixtures are called by the sum of their amounts: Adderall 20 mg is 4 times 5 mg, and Zosyn
    3.375 g is 3 g and 375 mg."""
    weights = [one.amount for of in drug for one in of.forms if one.unit == "mg"]
    if len(every) != 1 or len(drug) < 2 or len(weights) != len(drug):
        return False
    total, asked = sum(weights), every[0]
    if isinstance(asked, Strength):
        return asked.unit == "mg" and isclose(asked.amount, total)
    return isclose(asked, total) or isclose(asked * MG_IN_A_G, total)


def _is_concentration(strengths: Sequence[Strength], drug: Sequence[Amount]) -> bool:
    """`100 mcg/2 mL` is 50 mcg/mL: the catalog may say another volume than the label."""
    weights = [one.amount for one in strengths if one.unit == "mg"]
    volumes = [one.amount for one in strengths if one.unit == "ml"]
    if not len(weights) == len(volumes) == len(drug) == 1 or not volumes[0]:
        return False
    percent = weights[0] / volumes[0] / PERCENT_A_MG
    return any(one.unit == "%" and isclose(one.amount, percent) for one in drug[0].forms)


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
    if not in_volume:
        return int(ORAL not in facts.routes)
    numbers = [one.number for one in facts.amounts]
    as_written = all(any(isclose(one, of) for of in numbers) for one in query.bare)
    # Where a drug works where it is put, a bare number is rather percent: `clobetasol 0.05`.
    return 2 if as_written == bool(facts.routes & SYSTEMIC) else 3


def _is_in_volume(one: Amount) -> bool:
    """It is in millilitres, or in a gram."""
    return any(of.unit == "ml" for of in one.volumes) or any(of.unit == "%" for of in one.forms)


def _is_amount(asked: Strength | float, drug: Amount, bare_units: Sequence[str]) -> bool:
    if isinstance(asked, Strength):
        return any(
            one.unit == asked.unit and isclose(one.amount, asked.amount) for one in drug.forms
        )
    return isclose(asked, drug.number) or any(
        one.unit in bare_units and isclose(one.amount, asked) for one in drug.forms
    )


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
