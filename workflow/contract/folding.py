"""One folding of text, for what is stored and what is asked.

People leave out trade marks, type other apostrophes, have no accents on their keyboard, or paste
zero-width spaces. `fold` gives the same words for all of these.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from workflow.contract.unseen import DEFAULT_IGNORABLE

REMEMBERED: Final = 32_768
LONGEST_REMEMBERED: Final = 512

_MARKS: Final = dict.fromkeys(map(ord, "\u2122\u00ae\u00a9\u2120\u2117"), " ")
"""Removed before Unicode's compatibility forms, which turn a trade mark into the letters TM."""

_APOSTROPHES: Final = dict.fromkeys(
    map(ord, "'`\u00b4\u2018\u2019\u201a\u201b\u02bc\u02b9\u2032\uff07")
)
_LETTERS: Final = str.maketrans(
    {
        **{"\u00f8": "o", "\u0142": "l", "\u00e6": "ae", "\u0153": "oe", "\u0111": "d"},
        **{"\u00f0": "d", "\u00fe": "th", "\u0131": "i", "\u00b5": "u", "\u03bc": "u"},
        **{"\u03b1": "alpha", "\u03b2": "beta", "\u03b3": "gamma", "\u03b4": "delta"},
        **{"\u03c9": "omega"},
    }
)
"""Letters that people type as other letters, and that Unicode does not decompose."""

_LOOK_ALIKES: Final = str.maketrans(
    "\u0430\u0435\u043a\u043c\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0455\u0458",
    "aekmopctyxisj",
)
"""Cyrillic letters that look like Latin ones in either case. They come with pasted text."""

_ASCII: Final = {
    code: None if chr(code) in "'`" else chr(code).lower() if chr(code).isalnum() else " "
    for code in range(128)
}
"""The same folding where there is nothing but ASCII, at once."""

_WORD: Final = re.compile(r"[^\W_]+")
_LATIN: Final = re.compile("[a-z]")
_FORMAT: Final = re.compile(f"[{DEFAULT_IGNORABLE}]")
"""Characters without a width: soft hyphen, joiners, marks of direction, fillers."""


def fold(text: str) -> str:
    """Words of lower-case letters and digits, one space between them. Folding twice is once."""
    if len(text) > LONGEST_REMEMBERED:
        return _folded(text)
    return _remembered(text)


def fold_words(text: str) -> tuple[str, ...]:
    """The words of a text, folded."""
    return tuple(fold(text).split())


def plain(text: str) -> str:
    """Lower case in compatibility form, with its punctuation: strengths and NDCs need it."""
    if text.isascii():
        return " ".join(text.lower().split())
    shown = _FORMAT.sub("", text.translate(_MARKS))
    shown = unicodedata.normalize("NFKC", shown).casefold().replace("\u03bc", "u")
    return " ".join(shown.split())


def _folded(text: str) -> str:
    if text.isascii():
        return " ".join(text.translate(_ASCII).split())
    shown = _FORMAT.sub("", text.translate(_MARKS))
    for _ in range(2):  # a case may fold into letters that Unicode takes apart once more
        shown = unicodedata.normalize("NFKD", shown).casefold().translate(_APOSTROPHES)
        shown = "".join([one for one in shown if not unicodedata.combining(one)])
        shown = _FORMAT.sub("", shown.translate(_LETTERS))
    return " ".join(map(_as_latin, _WORD.findall(unicodedata.normalize("NFKC", shown))))


def _as_latin(word: str) -> str:
    """A word of Latin letters and of some that only look so; a Russian word stays as it is."""
    shown = word.translate(_LOOK_ALIKES)
    return shown if shown.isascii() and _LATIN.search(word) else word


_remembered = lru_cache(REMEMBERED)(_folded)
