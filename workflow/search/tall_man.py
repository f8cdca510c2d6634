"""Tall-man letters, as the FDA and the ISMP write names that are easily confused."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Final

FILE: Final = "tall_man.json"
_WORD: Final = re.compile(r"[A-Za-z-]+")


def in_tall_man(name: str) -> str:
    """The name with the words of the list in their letters: `predniSONE 5 mg`."""
    listed = _listed()
    return _WORD.sub(lambda found: listed.get(found[0].lower(), found[0]), name)


@cache
def _listed() -> dict[str, str]:
    names = json.loads(files("workflow.search").joinpath(FILE).read_bytes())
    return {name.lower(): name for name in names}
