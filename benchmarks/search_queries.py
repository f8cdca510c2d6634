"""The evaluation's queries, made from the FDA's catalog by fixed rules, and what answers them.

A query's relevant texts are computed from the FDA's own fields: those with the same substances
(brands, misspellings, look-alikes), also the same strength and form (exact), or with a substance
that carries the class anywhere in the directory (classes, lay words).

Every choice is by the order of a hash of the name, so that it is the same on every machine and no
one chose. Two of five queries, by another hash, are *unseen*: held back from tuning. The *blind*
set follows the same rules with other hashes, over names that the first set does not use.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.fda_index import Catalog
from local.catalogs.fda import Product

LAY = Path(__file__).with_name("lay_queries.json")
LOOK_ALIKES = Path(__file__).with_name("look_alikes.json")
"""Pairs of the ISMP's list of confused drug names and their like, both in the directory."""

BRANDS, MISSPELT, EXACT, CLASSES = 70, 70, 70, 60
BLIND = 25
"""Queries of each kind in the blind set; of lay words and look-alikes, all that are written."""

UNSEEN_SHARE = 2, 5

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
    """A hash: spreads names evenly, and is the same everywhere."""
    return int.from_bytes(hashlib.blake2b(f"{salt}:{name}".encode(), digest_size=6).digest())


def make_queries(catalog: Catalog) -> list[EvalQuery]:
    """All kinds, in a fixed order."""
    facts = Facts(catalog)
    return [
        *_brands(facts, _chosen(_true_brands(facts), "brand", BRANDS)),
        *_misspelt(facts, _long_names(facts), "misspelt", MISSPELT),
        *_exact(facts, "exact", EXACT),
        *_look_alikes(facts, "first"),
        *_classes(facts, _chosen(_shared_classes(facts), "class", CLASSES)),
        *_lay(facts, "first"),
    ]


def make_blind_queries(catalog: Catalog) -> list[EvalQuery]:
    """By the same rules, and none of whose names the first set asks for."""
    facts = Facts(catalog)
    asked = {query.query for query in make_queries(catalog)}
    brands = [one for one in _true_brands(facts) if one not in asked]
    names = [one for one in _long_names(facts) if misspell(one) not in asked]
    classes = [one for one in _shared_classes(facts) if one.lower() not in asked]
    exact = (one for one in _exact(facts, "blind exact", BLIND + EXACT) if one.query not in asked)
    return [
        *_brands(facts, _chosen(brands, "blind brand", BLIND)),
        *_misspelt(facts, names, "blind misspelt", BLIND),
        *islice(exact, BLIND),
        *(one for one in _look_alikes(facts, "blind") if one.relevant and one.swapped),
        *_classes(facts, _chosen(classes, "blind class", BLIND)),
        *_lay(facts, "blind"),
    ]


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
    """One-word brand names of at least five letters that are not a name of their own substance."""
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


def _brands(facts: Facts, brands: Iterable[str]) -> Iterator[EvalQuery]:
    """Relevant to a brand: its own texts."""
    for brand in brands:
        yield EvalQuery("brand", brand, frozenset(facts.by_brand[brand]))


def _long_names(facts: Facts) -> list[str]:
    """Names of brands and substances of seven letters or more."""
    single = [one for one in facts.by_substance if one.isascii() and one.isalpha()]
    return [name for name in {*_true_brands(facts), *single} if len(name) >= 7]


def _misspelt(facts: Facts, names: Sequence[str], salt: str, count: int) -> Iterator[EvalQuery]:
    """Each name with one or two typing errors, so that it is no name any more."""
    known = {*facts.by_brand, *facts.by_substance}
    made = 0
    for name in _chosen(names, salt, len(names)):
        wrong = misspell(name)
        if wrong in known or made == count:
            continue
        made += 1
        texts = facts.by_brand.get(name, set()) | facts.by_substance.get(name, set())
        yield EvalQuery("misspelling", wrong, facts.same_substances(texts))


def misspell(name: str) -> str:
    """One typing error; a second one in names of ten letters or more with an even hash.

    The hash decides its kind and place: a letter dropped, doubled or swapped with
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


def _exact(facts: Facts, salt: str, count: int) -> Iterator[EvalQuery]:
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
    for words in _chosen(asked, salt, count):
        yield EvalQuery("exact", words, frozenset(same[asked[words]]))


def _as_prescribed(product: Product) -> tuple[str, str, str] | None:
    """Substance, `20 mg`, `tablet`; None for several substances or an unusual strength."""
    strength = re.fullmatch(r"([0-9.]+ m?g)/1", product.strength)
    substance = product.substance_name.lower()
    if not strength or ";" in substance or not substance:
        return None
    amount = strength[1] if not strength[1].startswith(".") else f"0{strength[1]}"
    return substance, amount, product.dosage_form.lower().split(",")[0]


def _look_alikes(facts: Facts, which: str) -> Iterator[EvalQuery]:
    """Each name of a pair; the other's texts are `swapped`."""
    for pair in json.loads(LOOK_ALIKES.read_text("utf-8"))[which]:
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


def _shared_classes(facts: Facts) -> list[str]:
    return [name for name, substances in facts.classes.items() if len(substances) > 1]


def _classes(facts: Facts, names: Iterable[str]) -> Iterator[EvalQuery]:
    """The FDA's name of a class of at least two substances, in lower case."""
    for name in names:
        yield EvalQuery("class", name.lower(), facts.with_class([name]))


def lay_queries(which: str) -> list[tuple[str, list[str]]]:
    """The `first` or the `blind` set: each query, and the classes that answer it."""
    return [(query, classes) for query, classes in json.loads(LAY.read_text("utf-8"))[which]]


def _lay(facts: Facts, which: str) -> Iterator[EvalQuery]:
    """Written by hand, as a patient would say it."""
    for query, classes in lay_queries(which):
        yield EvalQuery("lay", query, facts.with_class(classes))
