"""How much of the strength that a query asks for a drug has, however either is written."""

from collections.abc import Iterable, Sequence
from math import isclose
from typing import Final, NamedTuple

from workflow.search.facts import Facts
from workflow.search.queries import Query
from workflow.search.strengths import MG_IN_A_G, PERCENT_A_MG, Amount
from workflow.search.written import Strength

AS_TOTAL: Final = 0.4
"""The share of a strength that is the total of a mixture: less than one of its two amounts."""

OF_THE_LESSER: Final = 0.7
"""What a share of the lesser of two amounts counts: less than a total."""

SAME_CONCENTRATION: Final = 0.9

BARE_UNITS: Final = ("unit", "mg")
"""Units that people leave out, besides the one that the catalog writes."""

BARE_OF_A_PLACE: Final = (*BARE_UNITS, "%")
"""Percent as well, of what works where it is put: `timolol 0.5`, `lidocaine 2`."""

SYSTEMIC: Final = {
    *("oral", "intravenous", "intramuscular", "subcutaneous", "sublingual", "buccal", "rectal"),
    *("intrathecal", "intraspinal", "intraarterial", "respiratory", "nasal", "transdermal"),
}
"""Routes by which a drug reaches the whole body: `morphine 2.5` is never 2.5 %."""


class Met(NamedTuple):
    """The share of amounts that a query and a drug have in common, 1 if all agree.

    `every`: the drug has all of the query's; `as_sum`: as the sum of its own.
    """

    share: float
    every: bool
    as_sum: bool = False


def strength_of(query: Query, facts: Facts) -> Met:
    """How much of the strength asked for a drug has.

    The volume that a drug is given in is not an amount: the 5 of `amoxicillin 400/5`.
    """
    if not query.has_amounts:
        return Met(0.0, every=False)
    if query.bare and not query.strengths and facts.numbers.issuperset(query.bare):
        return Met(1.0, every=True)
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
        return Met(SAME_CONCENTRATION, every=True)
    if missed and _is_total(every, drug):
        return Met(AS_TOTAL, every=True, as_sum=True)
    share = met / (met + missed + len(left)) if met else 0.0
    share *= OF_THE_LESSER if _is_of_the_lesser(every, drug, left) else 1
    return Met(share, every=not missed)


def weights_of(amounts: Iterable[Amount]) -> list[float]:
    """In milligrams."""
    return [one.amount for of in amounts for one in of.forms if one.unit == "mg"]


def _is_of_the_lesser(
    every: Sequence[Strength | float], drug: Sequence[Amount], left: Sequence[Amount]
) -> bool:
    """One amount is asked for, and it is not that of the ingredient that weighs most.

    4.5 g of piperacillin and tazobactam is rather 4 g and 500 mg than the tazobactam beside 36 g.
    """
    weights = weights_of(left)
    return len(every) == 1 and bool(weights) and max(weights) == max(weights_of(drug))


def _is_total(every: Sequence[Strength | float], drug: Sequence[Amount]) -> bool:
    """Mixtures are called by the sum of their amounts: Adderall 20 mg is 4 times 5 mg, and Zosyn
    3.375 g is 3 g and 375 mg."""
    weights = weights_of(drug)
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


def _is_amount(asked: Strength | float, drug: Amount, bare_units: Sequence[str]) -> bool:
    if isinstance(asked, Strength):
        return any(
            one.unit == asked.unit and isclose(one.amount, asked.amount) for one in drug.forms
        )
    return isclose(asked, drug.number) or any(
        one.unit in bare_units and isclose(one.amount, asked) for one in drug.forms
    )
