"""Numbers and units as they are written, in a query or in a catalog, read in linear time.

A number is a run of digits and marks, read once: `2,5` is 2.5 with a comma or a middle dot, `1,000`
and `1 000` are a thousand, `0,125` is not. A unit is the word behind it. Nothing here backtracks.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from workflow.contract.folding import plain

LONGEST_READ: Final = 2000
"""Characters of a stored strength that are read: the longest of the FDA's has 1,500."""

LONGEST_NUMBER: Final = 15

UNITS: Final = {
    **dict.fromkeys(("mg", "mgs", "milligram", "milligrams", "milligramme"), ("mg", 1.0)),
    **dict.fromkeys(("mcg", "mcgs", "ug", "ugm", "microgram", "micrograms"), ("mg", 1e-3)),
    **dict.fromkeys(("microg", "mikrogram", "mkg", "micg", "mc", "mcgm"), ("mg", 1e-3)),
    **dict.fromkeys(("g", "gm", "gms", "gram", "grams", "gramme"), ("mg", 1e3)),
    **dict.fromkeys(("ng", "nanogram", "nanograms"), ("mg", 1e-6)),
    "kg": ("mg", 1e6),
    **dict.fromkeys(("ml", "mls", "milliliter", "milliliters", "millilitre", "cc"), ("ml", 1.0)),
    **dict.fromkeys(("l", "liter", "liters", "litre"), ("ml", 1e3)),
    **dict.fromkeys(("meq", "meqs", "milliequivalent", "milliequivalents"), ("meq", 1.0)),
    **dict.fromkeys(("mmol", "millimole", "millimoles"), ("mmol", 1.0)),
    **dict.fromkeys(("unit", "units", "unt", "u", "iu", "usp'u"), ("unit", 1.0)),
    **dict.fromkeys(("mu", "million"), ("unit", 1e6)),
    **{"mci": ("mci", 1.0), "uci": ("mci", 1e-3), "%": ("%", 1.0), "percent": ("%", 1.0)},
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), ("h", 1.0)),
}

_TOKEN: Final = re.compile(r"(?<![a-z])[.,][0-9][0-9.,]*|[0-9][0-9.,]*|[a-z][a-z']*|[%/;+:-]")
_INSULIN: Final = re.compile(r"\bu ?-? ?([0-9]{2,3})(?![0-9a-z.,])")
"""`U-100`: units in a millilitre, as insulins are labelled."""

_DOTS: Final = str.maketrans(dict.fromkeys("\u00b7\u2027\u2219\u22c5\u30fb\uff65", "."))
_DASHES: Final = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2044", "-")
)
_SPACED: Final = re.compile(r"(?<=[0-9]) (?=0[0-9]{2}(?![0-9.,]))")
"""`5 000`: no amount begins with such a zero, so the blank groups thousands."""

_JOINS: Final = ("-", "/", "+", ":")


class Strength(NamedTuple):
    """An amount in its base unit: milligrams, millilitres, units, percent."""

    amount: float
    unit: str


def number_of(written: str) -> float | None:
    """The number that digits and marks say; None if they are not a number."""
    shown = written.rstrip(".,")
    if not shown or len(shown) > LONGEST_NUMBER:
        return None
    whole, *groups = shown.split(",")
    if groups and "." not in whole and _thousands(whole, groups):
        shown = whole + "".join(groups)
    elif len(groups) == 1 and "." not in shown:
        shown = f"{whole}.{groups[0]}"
    elif groups:
        return None
    return float(shown) if shown.count(".") <= 1 else None


def _thousands(whole: str, groups: Sequence[str]) -> bool:
    """`1,000.5` and `12,500`; `0,125` begins with no thousands."""
    last, dot, _ = groups[-1].partition(".")
    sizes = {len(one) for one in (*groups[:-1], last)}
    return (sizes == {3} and whole not in ("", "0") and len(whole) <= 3) or (
        bool(dot) and sizes == {3}
    )


class Written(NamedTuple):
    """Numbers joined by marks, and the unit after them; `start` and `end` in the text."""

    numbers: tuple[str, ...]
    marks: tuple[str, ...]
    unit: str
    start: int
    end: int


def expressions(text: str) -> Iterator[Written]:
    tokens = list(_TOKEN.finditer(text))
    place = 0
    while place < len(tokens):
        if not _is_number(tokens[place][0]):
            place += 1
            continue
        start, numbers, marks = place, [tokens[place][0]], []
        while (
            place + 2 < len(tokens)
            and tokens[place + 1][0] in _JOINS
            and _is_number(tokens[place + 2][0])
        ):
            marks.append(tokens[place + 1][0])
            numbers.append(tokens[place + 2][0])
            place += 2
        unit, place = _unit(tokens, place + 1)
        yield Written(
            tuple(numbers), tuple(marks), unit, tokens[start].start(), tokens[place - 1].end()
        )


def _is_number(token: str) -> bool:
    return token[-1].isdigit() or (token[0].isdigit() and token[-1] in ".,")


def _unit(tokens: Sequence[re.Match[str]], place: int) -> tuple[str, int]:
    """The unit at this place, and the place after it."""
    if place < len(tokens) and tokens[place][0] in UNITS and _ends(tokens[place]):
        unit = tokens[place][0]
        if unit == "million":
            following = place + 1 < len(tokens) and tokens[place + 1][0] in ("unit", "units")
            return unit, place + 1 + following
        return unit, place + 1
    return "", place


def _ends(unit: re.Match[str]) -> bool:
    """Not the letters of something longer: the `h` of `7H2O`."""
    return not unit.string[unit.end() : unit.end() + 1].isalnum()


def strength_in(number: str, unit: str) -> Strength | None:
    amount = number_of(number)
    if amount is None:
        return None
    base, factor = UNITS[unit]
    return Strength(round(amount * factor, 9), base)


def as_read(text: str) -> str:
    shown = plain(text[:LONGEST_READ].translate(_DOTS).translate(_DASHES))
    return _SPACED.sub("", _INSULIN.sub(r"\1 units", shown))
