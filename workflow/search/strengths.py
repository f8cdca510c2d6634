"""Amounts in a query and in a catalog: one reading for both, in time linear in the text.

A number is a run of digits and marks, read once: `2,5` is 2.5 with a comma or a middle dot, `1,000`
is a thousand, `0,125` is not. A unit is the word behind it. Nothing here backtracks.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from workflow.contract.folding import plain

REMEMBERED: Final = 32_768
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
_PER: Final = re.compile(r"\]? ?/ ?(?:ml|gm?)\b")
_BEHIND: Final = re.compile(
    r"/ ?(?:ml|gm?|hr?|hour|l|dose|day|act|actuation|spray|tab|tablet|cap)\b"
)
_INSULIN: Final = re.compile(r"\bu ?-? ?([0-9]{2,3})(?![0-9a-z.,])")
"""`U-100`: units in a millilitre, as insulins are labelled."""

_DOTS: Final = str.maketrans(dict.fromkeys("\u00b7\u2027\u2219\u22c5\u30fb\uff65", "."))
_DASHES: Final = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2044", "-")
)
_GLUED: Final = re.compile(r"[a-z]{4}-$")
_JOINS: Final = ("-", "/", "+", ":")
PERCENT_A_MG: Final = 10
"""10 mg in a gram or a millilitre are one percent."""


class Strength(NamedTuple):
    """An amount in its base unit: milligrams, millilitres, units, percent."""

    amount: float
    unit: str


ONE_ML: Final = Strength(1.0, "ml")


class Amount(NamedTuple):
    """One ingredient's strength: the ways to write it, what it is given per, its bare number.

    `5000 units/mL` is per one millilitre, and `5000 units/.5 mL` is another strength.
    """

    forms: frozenset[Strength]
    volumes: frozenset[Strength]
    number: float


class Asked(NamedTuple):
    """What a query says of strengths. `rest` is the query without them."""

    strengths: tuple[Strength, ...]
    bare: tuple[float, ...]
    numbers: tuple[str, ...]
    rest: str


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


class _Written(NamedTuple):
    """Numbers joined by marks, and the unit after them; `start` and `end` in the text."""

    numbers: tuple[str, ...]
    marks: tuple[str, ...]
    unit: str
    start: int
    end: int


def _expressions(text: str) -> Iterator[_Written]:
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
        yield _Written(
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


def _strength(number: str, unit: str) -> Strength | None:
    amount = number_of(number)
    if amount is None:
        return None
    base, factor = UNITS[unit]
    return Strength(round(amount * factor, 9), base)


def _ratio(one: _Written) -> list[Strength]:
    """`1:1000` is 0.1 %."""
    parts, of = number_of(one.numbers[0]), number_of(one.numbers[-1])
    return [Strength(round(100 * parts / of, 9), "%")] if parts and of else []


def _read(text: str) -> str:
    shown = plain(text[:LONGEST_READ].translate(_DOTS).translate(_DASHES))
    return _INSULIN.sub(r"\1 units", shown)


def asked_of(text: str, *, bare: bool = True) -> Asked:
    """The amounts of a query: with a unit, or bare after a word (`furosemide 40`, `10-325`)."""
    shown = _read(text)
    strengths: list[Strength] = []
    amounts: list[float] = []
    numbers: list[str] = []
    rest: list[str] = []
    end = 0
    for one in _expressions(shown):
        if not one.unit and not (bare and _stands_bare(shown, one)):
            continue
        if one.unit:
            strengths += [read for n in one.numbers if (read := _strength(n, one.unit))]
        elif ":" in one.marks:
            strengths += _ratio(one)
        else:
            amounts += [amount for n in one.numbers if (amount := number_of(n)) is not None]
        numbers += [digits for n in one.numbers for digits in re.findall("[0-9]+", n)]
        rest.append(shown[end : one.start])
        end = one.end
    rest.append(shown[end:])
    return Asked(
        tuple(dict.fromkeys(strengths)),
        tuple(dict.fromkeys(amounts)),
        tuple(dict.fromkeys(numbers)),
        _BEHIND.sub(" ", " ".join(rest)),
    )


def _stands_bare(text: str, one: _Written) -> bool:
    """Between blanks, and not first: `vitamin b12` and `5-fu` are names. Or glued to a long word by
    a dash: `duragesic-50`."""
    if one.start == 0 or not (text[one.start - 1].isspace() or _GLUED.search(text, 0, one.start)):
        return False
    return one.end == len(text) or text[one.end].isspace()


@lru_cache(REMEMBERED)
def amounts_of(strength: str) -> tuple[Amount, ...]:
    """The ingredients of a stored strength: `10 mg/1; 20 mg/1`, `10-325 mg`, `250 mg/5mL`."""
    found: list[Amount] = []
    for part in _read(strength).split(";"):
        found += _ingredients(list(_expressions(part)), part)
    return tuple(found)


def _ingredients(written: Sequence[_Written], part: str) -> list[Amount]:
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
    strength = _strength(number, unit) if unit else None
    return Amount(frozenset((strength,)) if strength else frozenset(), frozenset(), amount)


def _is_per(part: str, one: _Written) -> bool:
    """After a slash: what the amount before it is given per, unless both are weights of drugs."""
    before = part[: one.start].rstrip()
    return before.endswith("/") and (not one.unit or UNITS[one.unit][0] != "mg" or one.unit == "g")


def _with_volume(amount: Amount, per: _Written) -> Amount:
    if per.unit in ("g", "gm", "ml"):
        amount = _in_percent(amount, number_of(per.numbers[0]) or 1.0)
    volume = _strength(per.numbers[0], per.unit) if per.unit else None
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
