"""Keys that a spreadsheet has changed, because it takes an NDC for a number.

This cannot be undone: `5.55E+10` was any of a million drugs.
"""

import re
from collections import Counter
from collections.abc import Iterable

SCIENTIFIC = re.compile(r"[+-]?\d{1,3}[.,]?\d{0,15}[eE][+-]?\d{1,3}")
DECIMAL = re.compile(r"\d{1,20}[.,]0{1,6}")
NDC_LENGTHS = (9, 10, 11)
"""Digits of an NDC. Running numbers have fewer, and lose nothing."""

MOSTLY = 0.5
"""The share of keys that must have one length, for a shorter one to be suspicious."""


def why_mangled(key: str) -> str:
    """What a spreadsheet did to a key; empty if nothing shows."""
    if SCIENTIFIC.fullmatch(key):
        return "is a number as a spreadsheet shortens it"
    if DECIMAL.fullmatch(key):
        return "is a number with decimals"
    if key.startswith("="):
        return "is a spreadsheet's formula"
    if "'" in key or '"' in key:
        return "holds quotes"
    return ""


def short_keys(keys: Iterable[str]) -> list[str]:
    """Keys of digits with fewer of them than most have: their zeros in front are gone."""
    digits = [key for key in keys if key.isascii() and key.isdigit()]
    lengths = Counter(map(len, digits))
    if len(lengths) < 2:
        return []
    length, count = lengths.most_common(1)[0]
    if length not in NDC_LENGTHS or count < MOSTLY * len(digits) or length != max(lengths):
        return []
    return [key for key in digits if len(key) < length]
