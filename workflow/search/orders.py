"""How orders are written, in the words that labels use: directions, fluids, amounts in words.

`D5 1/2NS w/ 20 mEq KCl` is dextrose 5 %, sodium chloride 0.45 % and potassium chloride 20 mEq; of
`atorva 40 qhs` the hour says nothing of the drug. Each pattern reads the text once.
"""

import re
from typing import Final

FRACTION_SLASH: Final = "\u2044"
"""What Unicode writes a half of one character with, if it is spelled out."""

MG_IN_A_GRAIN: Final = 60
"""Of what is on the market; labels round a grain (64.8 mg) to it (USP General Notices)."""

_FREQUENCY: Final = r"q ?[0-9]+(?:-[0-9]+)? ?(?:h|hrs?|hours?|d|days?|wks?|weeks?|min|months?)"
_DAILY: Final = r"q(?:hs|am|pm|ac|day|wk|week|od|ht)|achs|[btq]id|qd|nightly|bedtime|stat|prn"
_LASTING: Final = r"(?:x|for) ?[0-9]+ ?(?:d|days?|wks?|weeks?|doses?)"
_EVERY: Final = r"every [0-9]+(?:-[0-9]+)? ?(?:h|hrs?|hours?|days?|weeks?)"
_COUNTED: Final = r"[0-9](?:-[0-9])? (?=(?:gtts?|drops?|puffs?|sprays?|inh|inhalations?)(?:\s|$))"
_BEHIND_A_NAME: Final = r"(?<=\S )(?:hs|od|os|o\.d\.|o\.s\.|auc ?[0-9]+)"
_DIRECTIONS: Final = re.compile(
    rf"(?<!\S)(?:(?:{_FREQUENCY}|{_DAILY}|{_LASTING}|{_EVERY}|{_BEHIND_A_NAME})(?=[\s,;.]|$)"
    rf"|{_COUNTED})"
)

_PARTS_OF_SALINE: Final = {
    **dict.fromkeys(("half", "1/2", "h", ".45", "0.45"), "0.45"),
    **dict.fromkeys(("quarter", "1/4", ".2", "0.2", ".225", "0.225", ".22", "0.22"), "0.2"),
    **dict.fromkeys(("third", "1/3", ".33", "0.33"), "0.33"),
    **{"2": "2", "3": "3", "5": "5", "7": "7", "10": "10", "23.4": "23.4", "14.6": "14.6"},
}
"""Of sodium chloride, in percent. Labels of a quarter say 0.2 % and 0.225 %."""

_SALINE: Final = re.compile(
    r"(?<![0-9a-z.])(?:(?<!dextrose )"
    r"(half|quarter|third|1/[234]|h|0?\.(?:45|225|22|2|33|9)|2|3|5|7|10|23\.4|14\.6)"
    r"(?: ?%)?[ -]*(?:normal saline|normal(?! [a-z])|saline|nss|ns)|normal saline|nss?)(?![0-9a-z])"
    r"(?: (0?\.(?:45|225|22|2|33|9)|2|3|5|7|10|23\.4|14\.6)(?![0-9.,/]| ?[a-z])(?: ?%)?)?"
)
_OTHER_PERCENT: Final = re.compile(r"(?<!dextrose )(?<![0-9.])[0-9.]+ ?%")
"""Where a query says one, its saline has this strength, and is not of 0.9 %."""

_PARTS: Final = re.compile(
    r"((?:dextrose|sodium chloride) [0-9.]+ ?%) (?=(?:sodium|potassium) chloride\b)"
)
"""Substances of one fluid; `dextrose sodium chloride` would be a salt of dextrose."""

_HYPERTONIC: Final = re.compile(
    r"\bhypertonic (?:saline|sodium chloride|nacl)\b(?: (?=[0-9.]+ ?%))?"
)
_DEXTROSE: Final = re.compile(
    r"(?<![0-9a-z])d(2\.5|5|10|20|30|40|50|70)w?(?![0-9])"
    r"(?=[^a-z0-9]|$|h?nss?\b|lr\b|rl\b|r\b)[ /+-]*"
)
_WITH_POTASSIUM: Final = re.compile(
    r"(?:\b(?:with|and|in)\b|w/|[+&/-])? ?(?:"
    r"(?<![0-9.])([0-9]{1,2}) ?(?:meq)?(?:/l)?(?: of)? ?(?:kcl|k)\b(?:/l)?"
    r"|\bkcl ?([0-9]{1,2})(?: ?meq)?(?:/l)?(?![0-9.%]))"
)
_FLUID: Final = re.compile(r"dextrose|sodium chloride|\blr\b")

_NUMBERS: Final = {
    **{"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8},
    **{"nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30},
    **{"forty": 40, "fifty": 50, "sixty": 60, "eighty": 80, "hundred": 100},
    **{"half": 0.5, "quarter": 0.25, "third": 1 / 3},
}
_UNITS: Final = (
    r"g|gm|gms|grams?|mgs?|milligrams?|mcgs?|micrograms?|ug|units?|meqs?|milliequivalents?|mmol"
    r"|millimoles?|ml|mls|milliliters?|l|liters?|percent|%|grains?|gr"
)
_ONES: Final = "|".join(_NUMBERS)
_IN_WORDS: Final = re.compile(
    rf"\b(?:(?P<whole>{_ONES})(?: (?P<times>hundred|thousand))?"
    rf"(?: (?:and )?(?:a |one )?(?P<part>half|quarter)| point (?P<point>{_ONES}))?"
    rf"|(?P<digits>[0-9]{{1,3}}) (?P<over>[13])/(?P<under>[248]))"
    rf"[ -]?(?:of )?(?:an? )?(?P<unit>{_UNITS})(?![0-9a-z])"
)
_GRAINS: Final = re.compile(r"(?<![0-9.])(?:([0-9]+)/([0-9]+)|([0-9.]+)) ?(?:grains?|gr)\b")
_GRAINS_AFTER: Final = re.compile(r"\bgr\.? ?(?:([0-9]+)/([0-9]+)|([0-9.]+))(?![0-9a-z])")


def as_on_labels(text: str) -> str:
    """A query in lower case, with labels' words for what orders abbreviate."""
    text = text.replace(FRACTION_SLASH, "/")
    shown = _DIRECTIONS.sub(" ", text).strip() or text
    shown = _GRAINS_AFTER.sub(_milligrams, _GRAINS.sub(_milligrams, _IN_WORDS.sub(_digits, shown)))
    shown = _fluids(shown)
    return " ".join(shown.split())


def _fluids(text: str) -> str:
    shown = _DEXTROSE.sub(r"dextrose \1 % ", text)
    shown = _HYPERTONIC.sub(" sodium chloride ", shown)
    shown = _SALINE.sub(_sodium_chloride, shown)
    if _FLUID.search(shown):
        shown = _WITH_POTASSIUM.sub(_potassium_chloride, shown)
    return _PARTS.sub(r"\1 and ", " ".join(shown.split()))


def _sodium_chloride(found: re.Match[str]) -> str:
    """A number says the strength, before or behind: `3% saline`, `ns 0.45`."""
    said = found[1] or found[2]
    if not said and any(map(_OTHER_PERCENT.search, _around(found))):
        return " sodium chloride "
    return f" sodium chloride {_PARTS_OF_SALINE.get(said or '', '0.9')} % "


def _around(found: re.Match[str]) -> tuple[str, str]:
    return found.string[: found.start()], found.string[found.end() :]


def _potassium_chloride(found: re.Match[str]) -> str:
    return f" potassium chloride {found[1] or found[2]} meq "


def _digits(found: re.Match[str]) -> str:
    """`two and a half grams` is 2.5 g, `half-gram` 0.5 g, `2 1/2 mg` 2.5 mg."""
    if found["digits"]:
        number = int(found["digits"]) + int(found["over"]) / int(found["under"])
    else:
        times = {"hundred": 100, "thousand": 1000}.get(found["times"] or "", 1)
        number = _NUMBERS[found["whole"]] * times + _NUMBERS.get(found["part"] or "", 0)
        if found["point"]:
            number += _NUMBERS[found["point"]] / 10
    return f"{number:g} {found['unit']}"


def _milligrams(found: re.Match[str]) -> str:
    over, under, number = found.groups()
    try:
        grains = int(over) / int(under) if over else float(number)
    except (ValueError, ZeroDivisionError):
        return found[0]
    return f"{grains * MG_IN_A_GRAIN:g} mg"
