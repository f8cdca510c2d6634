"""The evaluation's queries, made from the FDA's catalog by fixed rules, and what answers them.

A query's relevant texts are computed from the FDA's own fields: those with the same substances
(brands, misspellings, look-alikes), also the same strength and form (exact), or with a substance
that carries the class anywhere in the directory (classes, lay words).

Every choice is by the order of a hash of the name, so that it is the same on every machine and no
one chose. Two of five queries, by another hash, are *unseen*: never looked at while tuning.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fda_index import Catalog
from local.fda import Product

LAY = Path(__file__).with_name("lay_queries.json")
BRANDS, MISSPELT, EXACT, CLASSES = 70, 70, 70, 60
UNSEEN_SHARE = 2, 5

LOOK_ALIKES = (
    *(("hydroxyzine", "hydralazine"), ("clonidine", "clonazepam"), ("bupropion", "buspirone")),
    *(("prednisone", "prednisolone"), ("tramadol", "trazodone"), ("lamotrigine", "lamivudine")),
    *(("glipizide", "glyburide"), ("metformin", "metronidazole"), ("cefazolin", "ceftriaxone")),
    *(("vinblastine", "vincristine"), ("carboplatin", "cisplatin"), ("quinidine", "quinine")),
    *(("sumatriptan", "zolmitriptan"), ("dopamine", "dobutamine"), ("ephedrine", "epinephrine")),
    *(
        ("chlorpromazine", "chlorpropamide"),
        ("amantadine", "amiodarone"),
        ("fluoxetine", "duloxetine"),
    ),
    *(("oxcarbazepine", "carbamazepine"), ("cycloserine", "cyclosporine")),
    *(("penicillamine", "penicillin"), ("rifampin", "rifaximin"), ("sitagliptin", "saxagliptin")),
    *(("valacyclovir", "valganciclovir"), ("nicardipine", "nifedipine"), ("losartan", "valsartan")),
)
"""Pairs of the ISMP's list of confused drug names and their like, both in the directory."""

EPC = re.compile(r"([^,\[\]][^\[\]]*?) \[EPC\]")


@dataclass(frozen=True)
class EvalQuery:
    """`relevant` are hashes of texts; `swapped` are those that must not come first."""

    kind: str
    query: str
    relevant: frozenset[str]
    swapped: frozenset[str] = frozenset()

    @property
    def unseen(self) -> bool:
        return order(self.query, "split") % UNSEEN_SHARE[1] < UNSEEN_SHARE[0]


def order(name: str, salt: str) -> int:
    """A number that looks random and is not."""
    return int.from_bytes(hashlib.blake2b(f"{salt}:{name}".encode(), digest_size=6).digest())


def make_queries(catalog: Catalog) -> list[EvalQuery]:
    """All kinds, in a fixed order."""
    facts = Facts(catalog)
    made = [*_brands(facts), *_misspelt(facts), *_exact(facts), *_look_alikes(facts)]
    return [*made, *_classes(facts), *_lay(facts)]


class Facts:
    """The catalog's texts by what the FDA says of their products."""

    def __init__(self, catalog: Catalog) -> None:
        self.by_substance: dict[str, set[str]] = defaultdict(set)
        self.by_brand: dict[str, set[str]] = defaultdict(set)
        self.substances: dict[str, set[str]] = defaultdict(set)
        self.classes: dict[str, set[str]] = defaultdict(set)
        self.products = catalog.products
        for text, products in catalog.products.items():
            for product in products:
                self._add(text, product)

    def _add(self, text: str, product: Product) -> None:
        substance = product.substance_name.lower()
        self.by_substance[substance].add(text)
        self.substances[text].add(substance)
        self.by_brand[product.proprietary_name.lower()].add(text)
        if ";" not in substance:
            for name in EPC.findall(product.pharm_classes):
                self.classes[name].add(substance)

    def with_class(self, names: Iterable[str]) -> frozenset[str]:
        """Texts whose own class, or one of whose substances, is of these classes."""
        substances = {one for name in names for one in self.classes[name]}
        own = tuple(f"{name} [EPC]" for name in names)
        return frozenset(
            text
            for text, products in self.products.items()
            if any(
                any(name in product.pharm_classes for name in own)
                or substances & set(product.substance_name.lower().split("; "))
                for product in products
            )
        )

    def same_substances(self, texts: Iterable[str]) -> frozenset[str]:
        wanted = {one for text in texts for one in self.substances[text]}
        return frozenset(text for one in wanted for text in self.by_substance[one])


def _chosen(names: Iterable[str], salt: str, count: int) -> list[str]:
    return sorted(names, key=lambda name: order(name, salt))[:count]


def _true_brands(facts: Facts) -> list[str]:
    """One-word brand names of at least five letters that are not their own substance's name."""
    return [
        brand
        for brand, texts in facts.by_brand.items()
        if brand.isascii()
        and brand.isalpha()
        and len(brand) >= 5
        and not any(
            brand in one or one in brand for text in texts for one in facts.substances[text]
        )
    ]


def _brands(facts: Facts) -> Iterator[EvalQuery]:
    """Relevant to a brand: its own texts."""
    for brand in _chosen(_true_brands(facts), "brand", BRANDS):
        yield EvalQuery("brand", brand, frozenset(facts.by_brand[brand]))


def _misspelt(facts: Facts) -> Iterator[EvalQuery]:
    """Names of brands and substances of seven letters or more, each with one or two slips."""
    single = [one for one in facts.by_substance if one.isascii() and one.isalpha()]
    names = [name for name in {*_true_brands(facts), *single} if len(name) >= 7]
    known = {*facts.by_brand, *facts.by_substance}
    made = 0
    for name in _chosen(names, "misspelt", len(names)):
        wrong = misspell(name)
        if wrong in known or made == MISSPELT:
            continue
        made += 1
        texts = facts.by_brand.get(name, set()) | facts.by_substance.get(name, set())
        yield EvalQuery("misspelling", wrong, facts.same_substances(texts))


def misspell(name: str) -> str:
    """One slip, and in names of ten letters or more with an even hash a second one.

    The kind and the place of a slip follow from the hash: a letter dropped, doubled or swapped with
    the next, a vowel for another, or a letter for one that sounds like it. The first letter stays.
    """
    wrong = _slip(name, order(name, "slip"))
    if len(name) >= 10 and order(name, "slips") % 2 == 0:
        wrong = _slip(wrong, order(wrong, "slip again"))
    return wrong if wrong != name else _slip(name, 0)


def _slip(name: str, number: int) -> str:
    kind, place = number % 5, 1 + number // 5 % (len(name) - 2)
    slips: list[Callable[[], str]] = [
        lambda: name[:place] + name[place + 1 :],
        lambda: name[:place] + name[place] + name[place:],
        lambda: name[:place] + name[place + 1] + name[place] + name[place + 2 :],
        lambda: _replace_one(name, place, dict(zip("aeiou", "eiaua", strict=True))),
        lambda: _replace_one(name, place, {"ph": "f", "y": "i", "c": "k", "z": "s", "x": "ks"}),
    ]
    return slips[kind]()


def _replace_one(name: str, place: int, letters: dict[str, str]) -> str:
    """The first of the letters at or after `place`, else from the start; else one is dropped."""
    for start in (*range(place, len(name)), *range(1, place)):
        for old, new in letters.items():
            if name.startswith(old, start):
                return name[:start] + new + name[start + len(old) :]
    return name[:place] + name[place + 1 :]


def _exact(facts: Facts) -> Iterator[EvalQuery]:
    """`name strength form` of products of one substance.

    Relevant: the same substance, strength and form, whatever its name.
    """
    same: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    asked: dict[str, tuple[str, str, str]] = {}
    for text, products in facts.products.items():
        for product in products:
            if what := _as_prescribed(product):
                same[what].add(text)
                asked[f"{product.nonproprietary_name.lower()} {what[1]} {what[2]}"] = what
    for words in _chosen(asked, "exact", EXACT):
        yield EvalQuery("exact", words, frozenset(same[asked[words]]))


def _as_prescribed(product: Product) -> tuple[str, str, str] | None:
    """Substance, `20 mg`, `tablet`; None for several substances or an unusual strength."""
    strength = re.fullmatch(r"([0-9.]+ m?g)/1", product.strength)
    substance = product.substance_name.lower()
    if not strength or ";" in substance or not substance:
        return None
    amount = strength[1] if not strength[1].startswith(".") else f"0{strength[1]}"
    return substance, amount, product.dosage_form.lower().split(",")[0]


def _look_alikes(facts: Facts) -> Iterator[EvalQuery]:
    """Each name of a pair; the other's texts are `swapped`."""
    for pair in LOOK_ALIKES:
        for name, other in (pair, pair[::-1]):
            yield EvalQuery("look-alike", name, _named(facts, name), _named(facts, other))


def _named(facts: Facts, name: str) -> frozenset[str]:
    """Texts with a substance of this name, whatever its salt."""
    return frozenset(
        text
        for substance, texts in facts.by_substance.items()
        if name in re.findall(r"\w+", substance)
        for text in texts
    )


def _classes(facts: Facts) -> Iterator[EvalQuery]:
    """The FDA's name of a class of at least two substances, in lower case."""
    names = [name for name, substances in facts.classes.items() if len(substances) > 1]
    for name in _chosen(names, "class", CLASSES):
        yield EvalQuery("class", name.lower(), facts.with_class([name]))


def _lay(facts: Facts) -> Iterator[EvalQuery]:
    """Written by hand, as a patient would say it, with the classes that treat it."""
    for query, classes in json.loads(LAY.read_text(encoding="utf-8")):
        yield EvalQuery("lay", query, facts.with_class(classes))
