"""What is used for what: the drugs of a use in the order in which they are tried.

A line of `uses.txt` is `drugs: phrases`. A drug is its substances with `+` between them, and after
`@` routes or forms, one of which it has for this use: `polymyxin b+trimethoprim@ophthalmic`. A word
of a phrase may be one of several: `foot|feet fungus`. What the words of a use mean does not depend
on how a catalog names its classes.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Final

FILE: Final = "uses.txt"


@cache
def uses() -> Mapping[str, Sequence[str]]:
    """Phrase -> drugs, in the order of the lines."""
    text = files("workflow.search").joinpath(FILE).read_text()
    found: dict[str, Sequence[str]] = {}
    for line in text.splitlines():
        drugs, colon, phrases = line.partition(":")
        if colon and not line.startswith("#"):
            listed = tuple(one.strip() for one in drugs.split(","))
            for phrase in phrases.split(","):
                each = product(*(word.split("|") for word in phrase.split()))
                for words in each:
                    found.setdefault(" ".join(words), listed)
    return found
