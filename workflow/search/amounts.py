"""The amounts that a query asks for: with a unit, or bare behind a name."""

import re
from typing import Final, NamedTuple

from workflow.search.written import Strength, Written, as_read, expressions, number_of, strength_in

_BEHIND: Final = re.compile(
    r"/ ?(?:ml|gm?|hr?|hour|l|dose|day|act|actuation|spray|tab|tablet|cap)\b"
)
_GLUED: Final = re.compile(r"[a-z]{4}-$")
_COUNTED: Final = re.compile(
    r" ?(?:tab(?:let)?s?|cap(?:sule)?s?|pills?|puffs?|drops?|gtts?|sprays?|patch(?:es)?|doses?"
    r"|vials?|amps?|ampules?|ampoules?|pens?|times|days?|weeks?|months?|refills?)\b"
)
"""If a query has a strength with a unit, a number before one of these words is a count: `10 mg 1
tab daily`."""


class Asked(NamedTuple):
    """What a query says of strengths. `rest` is the query without them."""

    strengths: tuple[Strength, ...]
    bare: tuple[float, ...]
    numbers: tuple[str, ...]
    rest: str


def _ratio(one: Written) -> list[Strength]:
    """`1:1000` is 0.1 %."""
    parts, of = number_of(one.numbers[0]), number_of(one.numbers[-1])
    return [Strength(round(100 * parts / of, 9), "%")] if parts and of else []


def asked_of(text: str, *, bare: bool = True) -> Asked:
    """The amounts of a query: with a unit, or bare after a word (`furosemide 40`, `10-325`)."""
    shown = as_read(text)
    strengths: list[Strength] = []
    amounts: list[float] = []
    numbers: list[str] = []
    rest: list[str] = []
    end = 0
    found = list(expressions(shown))
    has_unit = any(one.unit for one in found)
    for one in found:
        counts = has_unit and not one.unit and bool(_COUNTED.match(shown, one.end))
        if not (one.unit or counts or (bare and _stands_bare(shown, one))):
            continue
        rest.append(shown[end : one.start])
        end = one.end
        if counts:
            continue
        if one.unit:
            strengths += [read for n in one.numbers if (read := strength_in(n, one.unit))]
        elif ":" in one.marks:
            strengths += _ratio(one)
        else:
            amounts += [amount for n in one.numbers if (amount := number_of(n)) is not None]
        numbers += [digits for n in one.numbers for digits in re.findall("[0-9]+", n)]
    rest.append(shown[end:])
    return Asked(
        tuple(dict.fromkeys(strengths)),
        tuple(dict.fromkeys(amounts)),
        tuple(dict.fromkeys(numbers)),
        _BEHIND.sub(" ", " ".join(rest)),
    )


def _stands_bare(text: str, one: Written) -> bool:
    """Between blanks, and not first: `vitamin b12` and `5-fu` are names. Or glued to a long word by
    a dash: `duragesic-50`."""
    if one.start == 0 or not (text[one.start - 1].isspace() or _GLUED.search(text, 0, one.start)):
        return False
    return one.end == len(text) or text[one.end].isspace()
