"""Characters that nobody sees, or that act instead of being seen: one rule for all that is shown.

A terminal obeys control characters, marks of direction make "005" read "500", and a letter without
a shape makes one key look like another. Whatever Python's `repr` escapes belongs here (controls,
formats, separators, surrogates, private use, unassigned: Unicode's categories), and the letters and
marks that have a category of their own and are drawn as nothing.
"""

import re
from typing import Final

DEFAULT_IGNORABLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's property Default_Ignorable_Code_Point (DerivedCoreProperties.txt, 16.0), as a class."""

BLANK: Final = "\u2800\U0001d159\U00016fe4"
"""Drawn as nothing though Unicode does not say so: a Braille pattern and a note, both empty, and
Khitan's filler."""

_SHAPELESS: Final = re.compile(f"[{DEFAULT_IGNORABLE}{BLANK}]")


def is_seen(text: str) -> bool:
    """Whether each character of a text is drawn, or is a plain space."""
    return text.isprintable() and (text.isascii() or not _SHAPELESS.search(text))


def visible(text: str) -> str:
    r"""With each unseen character as Python writes it: `\x1b`, `\u202e`, `\U000e0041`."""
    if is_seen(text):
        return text
    return "".join(one if is_seen(one) else _escape(one) for one in text)


def without(text: str, instead: str) -> str:
    """With another text in the place of each unseen character."""
    if is_seen(text):
        return text
    return "".join(one if is_seen(one) else instead for one in text)


def _escape(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
