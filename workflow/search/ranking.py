"""Which of the texts that hold the names of a query answer it best."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import isclose
from typing import Final, NamedTuple

from workflow.contract.columns import CLASS_COLUMNS, DETAIL_COLUMNS, NAME_COLUMNS
from workflow.contract.folding import fold_words
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.search import Hit
from workflow.search.known import KnownNames, Meanings, Substances
from workflow.search.naming import Term, meant_sets
from workflow.search.queries import Query
from workflow.search.strengths import Amount, Strength, amounts_of, sort_key
from workflow.search.substances import JOINTS, REMEMBERED, SALTS
from workflow.search.vocabulary import FORMS

MINOR: Final = 0.2
"""What a salt's name counts beside another word of a name."""

UNUSUAL: Final = frozenset(
    [
        "kit",
        "kits",
        "allergenic",
        "extract",
        "pollen",
        "homeopathic",
        "anticoagulant",
        "sterile",
        "diluent",
        "bacteriostatic",
        "veterinary",
    ]
)
"""Words of forms and names that answer only those who ask for them."""


class Match(NamedTuple):
    """A text that holds every name of a query: by its own names, or by its substances.

    `named_so`: one of its names is the query.
    """

    hash: str
    by_name: bool
    named_so: bool
    substances: Substances
    strength: float
    place: tuple[object, ...]


def match(
    query: Query, terms: Sequence[Term], texts: Mapping[str, Fields], known: KnownNames
) -> list[Match]:
    """The texts that hold all terms, best first.

    The very name comes first, then the right strength, then no other substance, then the form.
    """
    meant = meant_sets(terms)
    found = [
        one
        for hash_, fields in texts.items()
        if (one := _match(hash_, fields, query, terms, meant, known)) is not None
    ]
    return sorted(found, key=lambda one: one.place)


def _match(
    hash_: str,
    fields: Fields,
    query: Query,
    terms: Sequence[Term],
    meant: frozenset[Substances],
    known: KnownNames,
) -> Match | None:
    names = columns_of(fields, NAME_COLUMNS)
    held = frozenset(word for name in names for word in fold_words(name))
    substances = substances_of(fields, known)
    named = [_holds(held, term.words) for term in terms]
    if not all(
        one or _is_meant(term.means, substances) for one, term in zip(named, terms, strict=True)
    ):
        return None
    strength = strength_of(query, fields)
    asked = " ".join(term.name for term in terms)
    named_so = any(fold_words(name) in (query.whole, query.words) for name in names if name)
    place = (
        query.has_amounts and strength < 1,
        not named_so,
        bool(meant) and substances not in meant,
        -strength,
        is_unusual(fields, query.words),
        -form_of(query, fields),
        -_shared(asked, names),
        sum(map(len, names)),
        sort_key(strength_text(fields)),
        columns_of(fields, (*NAME_COLUMNS, *DETAIL_COLUMNS)),
        hash_,
    )
    return Match(hash_, all(named), named_so, substances, strength, place)


def _shared(asked: str, names: Sequence[str]) -> float:
    """How much of a drug's names is asked for, on average: generics before other brands."""
    shares = [share_of(asked, name) for name in names if name]
    return round(sum(shares) / len(shares), 6) if shares else 0.0


def _holds(held: frozenset[str], words: Sequence[str]) -> bool:
    return held.issuperset(words)


def _is_meant(means: Meanings, substances: Substances) -> bool:
    return any(one <= substances for one in means)


def columns_of(fields: Fields, columns: Sequence[str]) -> tuple[str, ...]:
    """Their values; empty where a column is absent."""
    return tuple([fields.get(column, "") for column in columns])


def substances_of(fields: Fields, known: KnownNames) -> Substances:
    """By the generic name; where a catalog has none, by the drug's name."""
    named = fields.get("generic_name") or fields.get("drug_name") or fields.get("brand_name") or ""
    return known.substances_of(" ".join(fold_words(named)))


def strength_text(fields: Fields) -> str:
    """Many catalogs have the strength in the drug's name only."""
    return fields.get("strength") or fields.get("drug_name") or ""


def strength_of(query: Query, fields: Fields) -> float:
    """The share of amounts that the query and the drug have in common; 1 where all agree."""
    if not query.has_amounts:
        return 0.0
    drug = list(amounts_of(strength_text(fields)))
    volumes = {volume for one in drug for volume in one.volumes}
    wanted = [one for one in query.strengths if one not in volumes]
    left, met = list(drug), 0
    every: tuple[Strength | float, ...] = (*wanted, *query.bare)
    for asked in every:
        held = next((one for one in left if _is_amount(asked, one)), None)
        if held is not None:
            left.remove(held)
            met += 1
    missed = len(wanted) + len(query.bare) - met
    return met / (met + missed + len(left)) if met else 0.0


def _is_amount(asked: Strength | float, drug: Amount) -> bool:
    if isinstance(asked, Strength):
        return any(
            one.unit == asked.unit and isclose(one.amount, asked.amount) for one in drug.forms
        )
    return isclose(asked, drug.number)


def form_of(query: Query, fields: Fields) -> float:
    """The share of the query's forms and routes that a drug has; plain forms first."""
    held = _form_words(fields.get("dosage_form") or fields.get("drug_name") or "")
    routes = set(fold_words(fields.get("route", "")))
    met = sum(any(word in held for word in form) for form in query.forms)
    met += sum(route in routes for route in query.routes)
    asked = len(query.forms) + len(query.routes)
    return (met / asked if asked else 0.0) - len(held) / 1000


@lru_cache(REMEMBERED)
def _form_words(form: str) -> frozenset[str]:
    words = fold_words(form)
    return frozenset(meant for word in words for meant in (*FORMS.get(word, ()), word))


@lru_cache(REMEMBERED)
def share_of(asked: str, name: str) -> float:
    """How much of a name is asked for: all of `zoloft` in `zoloft`, half in `zoloft junior`."""
    words = fold_words(name)
    held = set(fold_words(asked))
    whole = sum(map(_weight, words))
    return sum(_weight(word) for word in words if word in held) / whole if whole else 0.0


def _weight(word: str) -> float:
    return MINOR if word in SALTS or word in JOINTS or word in FORMS or word.isdigit() else 1.0


def is_unusual(fields: Fields, asked: Sequence[str]) -> bool:
    """Kits, extracts and their like, by the words of forms, classes and names; unless asked for."""
    unusual = _unusual(columns_of(fields, ("dosage_form", *CLASS_COLUMNS, *NAME_COLUMNS)))
    return bool(unusual) and not unusual.issubset(asked)


@lru_cache(REMEMBERED)
def _unusual(columns: Sequence[str]) -> frozenset[str]:
    return UNUSUAL.intersection(word for column in columns for word in fold_words(column))


def has_class(fields: Fields) -> bool:
    return any(fields.get(column) for column in CLASS_COLUMNS)


def by_distance(hits: Iterable[Hit]) -> list[Hit]:
    """Nearest first; equally near ones by name, so that any two searches agree."""
    return sorted(hits, key=lambda hit: (hit.distance, hit.name))
