"""The amounts of a catalog's strengths, and how people read them."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from workflow.search.written import (
    UNITS,
    Strength,
    Written,
    as_read,
    expressions,
    number_of,
    strength_in,
)

REMEMBERED: Final = 32_768

_PER: Final = re.compile(r"\]? ?/ ?(?:ml|gm?)\b")
PERCENT_A_MG: Final = 10
"""10 mg in a gram or a millilitre are one percent."""

MG_IN_A_G: Final = 1000

ONE_ML: Final = Strength(1.0, "ml")


class Amount(NamedTuple):
    """One ingredient's strength: the ways to write it, what it is given per, its bare number.

    `5000 units/mL` is per one millilitre, and `5000 units/.5 mL` is another strength.
    """

    forms: frozenset[Strength]
    volumes: frozenset[Strength]
    number: float


@lru_cache(REMEMBERED)
def amounts_of(strength: str) -> tuple[Amount, ...]:
    """The ingredients of a stored strength: `10 mg/1; 20 mg/1`, `10-325 mg`, `250 mg/5mL`."""
    found: list[Amount] = []
    for part in as_read(strength).split(";"):
        found += _ingredients(list(expressions(part)), part)
    return tuple(found)


def _ingredients(written: Sequence[Written], part: str) -> list[Amount]:
    found: list[Amount] = []
    for one in written:
        if found and _is_per(part, one):
            found[-1] = _with_volume(found[-1], one)
            continue
        per = _PER.match(part, one.end)
        for number in one.numbers:
            amount = number_of(number)
            if amount is not None:
                made = _amount(number, one.unit, amount)
                found.append(_per_one(made, per[0]) if per else made)
    return found


def _amount(number: str, unit: str, amount: float) -> Amount:
    strength = strength_in(number, unit) if unit else None
    return Amount(frozenset((strength,)) if strength else frozenset(), frozenset(), amount)


def _is_per(part: str, one: Written) -> bool:
    """After a slash: what the amount before it is given per, unless both are weights of drugs."""
    before = part[: one.start].rstrip()
    return before.endswith("/") and (not one.unit or UNITS[one.unit][0] != "mg" or one.unit == "g")


def _with_volume(amount: Amount, per: Written) -> Amount:
    if per.unit in ("g", "gm", "ml"):
        amount = _in_percent(amount, number_of(per.numbers[0]) or 1.0)
    volume = strength_in(per.numbers[0], per.unit) if per.unit else None
    return amount._replace(volumes=frozenset((volume,) if volume else ()))


def _per_one(amount: Amount, per: str) -> Amount:
    made = _in_percent(amount, 1.0)
    return made._replace(volumes=frozenset((ONE_ML,))) if per.endswith("ml") else made


def _in_percent(amount: Amount, size: float) -> Amount:
    """Milligrams in so many grams or millilitres, as percent, too."""
    percent = (
        Strength(round(one.amount / size / PERCENT_A_MG, 9), "%")
        for one in amount.forms
        if one.unit == "mg"
    )
    return amount._replace(forms=frozenset((*amount.forms, *percent)))


@lru_cache(REMEMBERED)
def sort_key(strength: str) -> tuple[tuple[str, float], ...]:
    """Strengths in the order of their amounts: 5 mg before 10 mg before 1 g."""
    return tuple(
        min(((one.unit, one.amount) for one in amount.forms), default=("", amount.number))
        for amount in amounts_of(strength)
    )


def shown_of(strength: str) -> str:
    """For people: `10 mg/1; 325 mg/1` is `10 mg / 325 mg`, `50 ug/1` is `50 mcg`."""
    parts = [_shown(part.strip()) for part in strength.split(";") if part.strip()]
    return " / ".join(parts)


def _shown(part: str) -> str:
    shown = part.removesuffix("/1").strip()
    shown = shown.replace("[USP'U]", "units").replace("[iU]", "units").replace("[IU]", "units")
    words = ["mcg" if one in ("ug", "\u00b5g", "\u03bcg") else one for one in shown.split(" ")]
    shown = " ".join(words).replace(" ug/", " mcg/")
    return f"0{shown}" if shown.startswith(".") else shown
