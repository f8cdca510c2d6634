"""Keys that a spreadsheet has changed, because it takes an NDC for a number.

This cannot be undone: `5.55E+10` was any of a million drugs.
"""

import re
from collections.abc import Iterable

from workflow.contract.unseen import is_seen

SCIENTIFIC = re.compile(r"[+-]?\d{1,3}[.,]?\d{0,15}[eE][+-]?\d{1,3}")
DECIMAL = re.compile(r"\d{1,20}[.,]0{1,6}")
GROUPED = re.compile(r"\d{1,3}(?:[.,\s]\d{3})+")
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DATE = re.compile(
    rf"\d{{1,4}}[/.]\d{{1,2}}[/.]\d{{1,4}}|\d{{4}}-\d\d-\d\d|\d{{1,2}}-{MONTH}(?:-\d+)?|"
    rf"{MONTH}-\d{{2,4}}",
    re.IGNORECASE,
)
ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|NULL!|NUM!|DIV/0!|SPILL!|CALC!|FIELD!)|#{3,}")
"""A formula's, or a column that was too narrow to show its numbers."""

NDC_LENGTHS = (9, 10, 11)
"""Digits of an NDC. Running numbers have fewer, and lose nothing."""

KINDS = {
    SCIENTIFIC: "is a number as a spreadsheet shortens it",
    DECIMAL: "is a number with decimals",
    GROUPED: "is a number with its thousands apart",
    DATE: "is a date",
}


def is_spreadsheet_error(value: str) -> bool:
    """In any column."""
    return ERROR.fullmatch(value) is not None


def why_mangled(key: str) -> str:
    """What a spreadsheet did to a key; empty if nothing shows."""
    for form, what in KINDS.items():
        if form.fullmatch(key):
            return what
    if key.startswith("="):
        return "is a spreadsheet's formula"
    if "'" in key or '"' in key:
        return "holds quotes"
    if not is_seen(key):
        return "holds a character that nobody sees"
    if any(one.isdecimal() and not one.isascii() for one in key):
        return "has digits of another script, so that a search by its digits would not find it"
    return ""


def short_keys(keys: Iterable[str]) -> list[str]:
    """Keys of digits with fewer of them than others have: their zeros in front are gone.

    However many they are: more than half of a formulary's NDCs may begin with a zero.
    """
    digits = [key for key in keys if key.isascii() and key.isdigit()]
    longest = max(map(len, digits), default=0)
    if longest not in NDC_LENGTHS:
        return []
    return [key for key in digits if len(key) < longest]
