"""What the columns of one text say, read once, because texts never change and many searches use
them."""

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Final

from workflow.contract.columns import (
    CLASS_COLUMNS,
    DETAIL_COLUMNS,
    NAME_COLUMNS,
    TYPE_COLUMN,
)
from workflow.contract.folding import fold, fold_words, plain
from workflow.contract.ports.documents import Fields
from workflow.search.known import KnownNames, Substances
from workflow.search.left_out import Without
from workflow.search.strengths import Amount, amounts_of, sort_key
from workflow.search.substances import JOINTS, SALTS, salts_of
from workflow.search.vocabulary import FORMS
from workflow.search.written import UNITS, Strength

KEPT: Final = 8192
"""Texts whose facts a process keeps: about 20 MB."""

MINOR: Final = 0.2
"""Weight of a salt's name, compared with another word of a name."""

HALF: Final = 0.5

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
"""Words of types, forms, classes and names. Such products rank last unless asked for."""

UNUSUAL_TYPES: Final = UNUSUAL | {"device", "devices"}
"""Words of types. In a form, a device is how a drug is given: a hormonal coil."""

HOMEOPATHIC: Final = "homeopathic"
"""A word of a type. Products are called after what they are for (`Nausea`, `Gout`)."""

DILUTED: Final = re.compile(r"\[ ?hp[ _]?[xcmq] ?\]", re.IGNORECASE)
"""Units of the Homeopathic Pharmacopeia: a product in them is homeopathic, whatever its type."""

NUMBER: Final = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,4})?")

OVER_THE_COUNTER: Final = "otc"
"""Words of a product type that ranks after prescription products."""

VITAMIN_D: Final = frozenset(("ergocalciferol", "cholecalciferol"))
UNITS_IN_A_MG: Final = 40_000
"""Of vitamin D: labels write 1.25 mg, prescribers 50,000 units (21 CFR 101.9(c)(8)(iv))."""

_READ: Final = (*NAME_COLUMNS, *DETAIL_COLUMNS, *CLASS_COLUMNS, TYPE_COLUMN)
_BLANK: Final = ("",) * len(_READ)
_ORDERED: Final = len((*NAME_COLUMNS, *DETAIL_COLUMNS))


POTASSIUM_CHLORIDE: Final = "potassium chloride"
MEQ_IN_A_PERCENT: Final = 10_000 / 74.55
"""Of potassium chloride in a litre: its molar mass is 74.55 g."""

MOST_IN_A_FLUID: Final = 0.4
"""Percent: 40 mEq/L are 0.3 %. More is a concentrate."""


class Facts:
    """One text. Each property is read on first use, because no search needs all of them."""

    def __init__(self, columns: tuple[str, ...], known: KnownNames) -> None:
        self._fields = dict(zip(_READ, columns, strict=True))
        self._names = [self._fields[column] for column in NAME_COLUMNS]
        self._known = known
        self.order = columns[:_ORDERED]
        """The last criterion of every order, so that two searches always agree."""

    def says(self, column: str) -> str:
        """One of its columns, folded."""
        return fold(self._fields[column])

    @cached_property
    def spelt(self) -> tuple[tuple[str, ...], ...]:
        """The words of each name."""
        return tuple(words for name in self._names if (words := fold_words(name)))

    @cached_property
    def words(self) -> frozenset[str]:
        """Those of all names."""
        return frozenset(word for words in self.spelt for word in words)

    @cached_property
    def letters(self) -> int:
        return sum(map(len, self._names))

    @cached_property
    def substances(self) -> Substances:
        return substances_of(self._fields, self._known)

    @cached_property
    def amounts(self) -> tuple[Amount, ...]:
        read = amounts_of(strength_text(self._fields))
        found = tuple(one for one in read if not _is_bulk(one))
        if self.substances and self.substances <= VITAMIN_D:
            return tuple(map(_in_units, found))
        if len(self.substances) > 1 and POTASSIUM_CHLORIDE in self.substances:
            return tuple(map(_in_meq, found))
        return found

    def is_called_so(self, *names: tuple[str, ...]) -> bool:
        """Whether its own name is one of these: opium tincture is not called by its generic name,
        morphine."""
        own = (
            self._fields["drug_name"] or self._fields["generic_name"],
            self._fields["brand_name"],
        )
        return any(fold_words(one) in names for one in own)

    def begins_with(self, words: Sequence[str]) -> bool:
        """Whether one of its names does."""
        return any(name[: len(words)] == tuple(words) for name in self.spelt)

    def says_together(self, words: Sequence[str]) -> bool:
        """Whether one of its names has these words in a row."""
        row = f" {' '.join(words)} "
        return any(row in f" {' '.join(name)} " for name in self.spelt)

    @cached_property
    def numbers(self) -> frozenset[float]:
        """Those in what it is called: `Mix75/25`, `NP Thyroid 90`."""
        called = (plain(self._fields[column]) for column in ("drug_name", "brand_name"))
        return frozenset(float(one) for name in called for one in NUMBER.findall(name))

    @cached_property
    def by_amount(self) -> tuple[tuple[str, float], ...]:
        return sort_key(strength_text(self._fields))

    @cached_property
    def form(self) -> frozenset[str]:
        """The words of the form, and what they may mean."""
        form = self._fields["dosage_form"] or self._fields["drug_name"]
        form = form.lower().replace("liquid filled", "filled")  # a capsule is no liquid
        return frozenset(one for word in fold_words(form) for one in (*FORMS.get(word, ()), word))

    @property
    def _form_in_names(self) -> frozenset[str]:
        """Metformin ER may be a tablet like any other by its form."""
        return frozenset(one for word in self.words for one in FORMS.get(word, ()))

    @cached_property
    def routes(self) -> frozenset[str]:
        return frozenset(fold_words(self._fields["route"]))

    @cached_property
    def unusual(self) -> frozenset[str]:
        classes = (self._fields[column] for column in CLASS_COLUMNS)
        said = (self._fields["dosage_form"], *classes, *self._names)
        of_type = UNUSUAL_TYPES.intersection(fold_words(self._fields[TYPE_COLUMN]))
        if DILUTED.search(self._fields["strength"]):
            of_type |= {HOMEOPATHIC}
        if any(map(_is_bulk, amounts_of(strength_text(self._fields)))):
            of_type |= {"powder"}
        return of_type | UNUSUAL.intersection(fold_words(" ".join(said)))

    @cached_property
    def over_the_counter(self) -> bool:
        return OVER_THE_COUNTER in fold_words(self._fields[TYPE_COLUMN])

    @cached_property
    def has_class(self) -> bool:
        return any(self._fields[column] for column in CLASS_COLUMNS)

    def has(self, without: Without) -> bool:
        """Whether it contains what a query excludes, or is of an excluded class, form or route."""
        if any(one <= self.substances for means in without.means for one in means):
            return True
        if not without.described.isdisjoint(self.form | self.routes | self._form_in_names):
            return True
        if any(self.words.issuperset(words) for words in without.named):
            return True
        if not without.salts.isdisjoint(salts_of(self.words)):
            return True
        # No penicillin is no amoxicillin: its class is `Penicillin-class Antibacterial`.
        own_classes = [f"{' '.join(words)} class" for words in without.named]
        return self.is_of([*without.classes, *own_classes])

    def is_of(self, classes: Sequence[str]) -> bool:
        """Whether it is of one of these classes."""
        own = f" {fold(' '.join(self._fields[column] for column in CLASS_COLUMNS))} "
        return any(f" {fold(name)} " in own for name in classes)

    @cached_property
    def card(self) -> tuple[object, ...]:
        """What the strengths of one product share."""
        fields, known = self._fields, self._known
        if not fields["strength"] and not fields["dosage_form"]:
            return (fold(fields["drug_name"]),)
        brand = fold(fields["brand_name"])
        if known.substances_of(brand) == self.substances and not known.means(brand):
            brand = ""  # a generic's spelling of its substances is not a name of its own
        return (brand, self.substances, fold(fields["dosage_form"]), fold(fields["route"]))

    def is_called(self, asked: frozenset[str]) -> bool:
        """Whether the words are half of one of its names, or more; a strength does not count."""
        names = ([word for word in words if word not in UNITS] for words in self.spelt)
        return any(_share(words, asked) >= HALF for words in names)

    def share_of(self, asked: frozenset[str]) -> float:
        """How much of the names is asked for, on average: generics before other brands.

        All of `zoloft` in `zoloft`, half in `zoloft junior`.
        """
        shares = [_share(words, asked) for words in self.spelt]
        return round(sum(shares) / len(shares), 6) if shares else 0.0


def facts_of(fields: Fields, known: KnownNames) -> Facts:
    """Of a text's columns, or of a document's."""
    return _facts(tuple(map(fields.get, _READ, _BLANK)), known)


_facts = lru_cache(KEPT)(Facts)


def _is_bulk(one: Amount) -> bool:
    """`1 g/g` is the substance itself, to make medicines of, and no strength."""
    return one.number == 1 and Strength(100.0, "%") in one.forms


def _in_units(one: Amount) -> Amount:
    units = (
        Strength(round(of.amount * UNITS_IN_A_MG, 3), "unit") for of in one.forms if of.unit == "mg"
    )
    return one._replace(forms=frozenset((*one.forms, *units)))


def _in_meq(one: Amount) -> Amount:
    """Of a litre of a fluid, as orders say it: labels round 20 mEq to .149 % and to .15 %."""
    found = (
        Strength(float(round(of.amount * MEQ_IN_A_PERCENT)), "meq")
        for of in one.forms
        if of.unit == "%" and of.amount <= MOST_IN_A_FLUID
    )
    return one._replace(forms=frozenset((*one.forms, *found)))


def _share(words: Sequence[str], asked: frozenset[str]) -> float:
    met = sum(_weight(word) for word in words if word in asked)
    return met / sum(map(_weight, words)) if met else 0.0


def _weight(word: str) -> float:
    return MINOR if word in SALTS or word in JOINTS or word in FORMS or word.isdigit() else 1.0


def substances_of(fields: Fields, known: KnownNames) -> Substances:
    """By the generic name; if there is none, by the drug's name."""
    named = fields.get("generic_name") or fields.get("drug_name") or fields.get("brand_name") or ""
    return known.substances_of(fold(named))


def strength_text(fields: Fields) -> str:
    """Many catalogs have the strength in the drug's name only."""
    return fields.get("strength") or fields.get("drug_name") or ""
