"""What the words of a query say: an NDC, names, a strength, a form, a route, lay words."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from workflow.contract.documents import normalized
from workflow.search.synonyms import Synonyms
from workflow.search.vocabulary import FILLERS, FORMS, ROUTES

NDC_PARTS: Final = (5, 4, 2)
LONGEST_QUERY: Final = 200

REMEMBERED: Final = 32_768
"""Names and strengths that are taken apart once: a search meets the same ones again and again."""

UNITS: Final = {
    **{"mg": ("mg", 1.0), "mcg": ("mg", 1e-3), "ug": ("mg", 1e-3), "µg": ("mg", 1e-3)},
    **{"g": ("mg", 1e3), "gm": ("mg", 1e3), "ng": ("mg", 1e-6), "kg": ("mg", 1e6)},
    **{"ml": ("ml", 1.0), "l": ("ml", 1e3), "meq": ("meq", 1.0), "%": ("%", 1.0)},
    **{"unit": ("unit", 1.0), "units": ("unit", 1.0), "iu": ("unit", 1.0), "[iu]": ("unit", 1.0)},
    **{"[usp'u]": ("unit", 1.0), "mmol": ("mmol", 1.0), "mci": ("mci", 1.0)},
}

NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+"
STRENGTH: Final = re.compile(
    rf"(?<![\w.])((?:{NUMBER})(?:\s*[-/]\s*(?:{NUMBER}))*)\s*"
    r"(mcg|µg|ug|mg|gm|g|kg|ng|ml|meq|mmol|mci|units?|iu|\[iu\]|\[usp'u\]|%)(?![\w])",
    re.IGNORECASE,
)
"""`20 mg`, `5-325mg`, `0.05 %`: the numbers, then one unit."""

WORD: Final = re.compile(r"[^\W_]+")


class Strength(NamedTuple):
    """An amount in its base unit: milligrams, millilitres, units, percent."""

    amount: float
    unit: str


class Query(NamedTuple):
    """A query, taken apart. `words` are in its order; `lay` are those that mean `classes`."""

    text: str
    words: tuple[str, ...]
    strengths: tuple[Strength, ...]
    numbers: tuple[str, ...]
    forms: tuple[str, ...]
    routes: tuple[str, ...]
    classes: tuple[str, ...]
    lay: frozenset[str]


def ndcs_of(text: str) -> tuple[str, ...]:
    """The keys that an NDC may have: as written, and its 11 digits; empty where it is none.

    5-4-2, 4-4-2, 5-3-2 and 5-4-1 with dashes; 11 digits, or 10 without a hint where its zero went.
    """
    bare = re.sub(r"^ndc\W*", "", text.strip(), flags=re.IGNORECASE)
    if re.fullmatch(r"[0-9]{11}", bare):
        return (bare,)
    if re.fullmatch(r"[0-9]{10}", bare):
        return (f"0{bare}", f"{bare[:5]}0{bare[5:]}", f"{bare[:9]}0{bare[9:]}")
    parts = re.fullmatch(r"([0-9]{4,5})-([0-9]{3,4})-([0-9]{1,2})", bare)
    if parts is None:
        return ()
    padded = (part.zfill(size) for part, size in zip(parts.groups(), NDC_PARTS, strict=True))
    return ("".join(padded), bare)


@lru_cache(REMEMBERED)
def words_of(text: str) -> tuple[str, ...]:
    """Letters and digits only: whatever else was written has no meaning for the index."""
    return tuple(WORD.findall(text.lower()))


def strengths_of(text: str) -> tuple[Strength, ...]:
    """Every amount that a text names, in base units."""
    found = []
    for numbers, unit in STRENGTH.findall(text):
        base, factor = UNITS[unit.lower()]
        for number in re.findall(NUMBER, numbers):
            found.append(Strength(round(float(number.replace(",", "")) * factor, 9), base))
    return tuple(found)


class Amount(NamedTuple):
    """One ingredient's strength: the ways to write it, and the volumes that it is given per."""

    forms: frozenset[Strength]
    volumes: frozenset[Strength]


@lru_cache(REMEMBERED)
def amounts_of(part: str) -> Amount:
    """`250 mg/5mL` is 250 mg; `1 g/100g` and `10 mg/mL` are 1 %, too."""
    above, _, below = part.strip().partition("/")
    forms, volumes = set(strengths_of(above)), set(strengths_of(below))
    per = re.match(rf"\s*({NUMBER})?\s*(g|ml)\s*$", below, re.IGNORECASE)
    for one in tuple(forms):
        if per and one.unit == "mg":
            forms.add(Strength(round(one.amount / float(per[1] or 1) / 10, 9), "%"))
    return Amount(frozenset(forms), frozenset(volumes))


def understand(text: str, synonyms: Synonyms) -> Query:
    """Take a query apart. What is neither strength nor filler is looked up among the names."""
    plain = normalized(text)[:LONGEST_QUERY]
    strengths = strengths_of(plain)
    numbers = tuple(
        number for written, _ in STRENGTH.findall(plain) for number in words_of(written)
    )
    rest = words_of(STRENGTH.sub(" ", plain))
    classes, lay = synonyms.classes_of(rest)
    return Query(
        text=plain,
        words=tuple(dict.fromkeys(word for word in rest if word not in FILLERS)),
        strengths=strengths,
        numbers=tuple(dict.fromkeys(numbers)),
        forms=tuple(dict.fromkeys(form for word in rest for form in FORMS.get(word, ()))),
        routes=tuple(dict.fromkeys(ROUTES[word] for word in rest if word in ROUTES)),
        classes=classes,
        lay=lay,
    )


def is_description(word: str) -> bool:
    """True for words of forms and routes, which a name need not hold."""
    return word in FORMS or word in ROUTES
