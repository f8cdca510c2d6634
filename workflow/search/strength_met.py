"""How much of the strength that a query asks for a drug has, however either is written."""

from collections.abc import Iterable, Sequence
from math import isclose
from typing import Final

from workflow.search.facts import Facts
from workflow.search.queries import Query
from workflow.search.strengths import PERCENT_A_MG, Amount
from workflow.search.written import Strength

AS_TOTAL: Final = 0.4
"""The share of a strength that is the total of a mixture: less than one of its two amounts."""

OF_THE_LESSER: Final = 0.7
"""What a share of the lesser of two amounts counts: less than a total."""

SAME_CONCENTRATION: Final = 0.9

MG_IN_A_G: Final = 1000

BARE_UNITS: Final = ("unit", "mg")
"""Units that people leave out, besides the one that the catalog writes."""

BARE_OF_A_PLACE: Final = (*BARE_UNITS, "%")
"""Percent as well, of what works where it is put: `timolol 0.5`, `lidocaine 2`."""

SYSTEMIC: Final = {
    *("oral", "intravenous", "intramuscular", "subcutaneous", "sublingual", "buccal", "rectal"),
    *("intrathecal", "intraspinal", "intraarterial", "respiratory", "nasal", "transdermal"),
}
"""Routes by which a drug reaches the whole body: `morphine 2.5` is never 2.5 %."""


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
    share = met / (met + missed + len(left)) if met else 0.0
    return share * (OF_THE_LESSER if _is_of_the_lesser(every, drug, left) else 1), not missed


def _weights(amounts: Iterable[Amount]) -> list[float]:
    return [one.amount for of in amounts for one in of.forms if one.unit == "mg"]


def _is_of_the_lesser(
    every: Sequence[Strength | float], drug: Sequence[Amount], left: Sequence[Amount]
) -> bool:
    """One amount is asked for, and it is not that of the ingredient that weighs most.

    4.5 g of piperacillin and tazobactam is rather 4 g and 500 mg than the tazobactam beside 36 g.
    """
    weights = _weights(left)
    return len(every) == 1 and bool(weights) and max(weights) == max(_weights(drug))


def _is_total(every: Sequence[Strength | float], drug: Sequence[Amount]) -> bool:
    """Mixtures are called by the sum of their amounts: Adderall 20 mg is 4 times 5 mg, and Zosyn
    3.375 g is 3 g and 375 mg."""
    weights = _weights(drug)
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
