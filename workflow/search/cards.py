"""One card per product: the strengths and packages of one name, form and route."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from workflow.contract.folding import fold
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.search import Drugs
from workflow.search.asked import Asked
from workflow.search.facts import Facts
from workflow.search.filters import may_pass, of_texts
from workflow.search.strengths import sort_key

MOST_STRENGTHS: Final = 16
"""Texts of one card that are looked at."""

MOST_PROBED: Final = 400
"""For how many texts one search looks up drugs; each is one Redis command."""

PROBED_AT_ONCE: Final = 60
"""Texts of one round trip."""


class OfStrength(NamedTuple):
    """The packages of one strength: as many as an answer shows, of `total`."""

    strength: str
    total: int
    packages: list[Fields]


class Product(NamedTuple):
    """One card. `why` says in words which parts of the query it matches; `cosine` how near its
    meaning is."""

    why: str
    cosine: float | None
    items: tuple[OfStrength, ...]

    @property
    def packages(self) -> list[Fields]:
        return [package for item in self.items for package in item.packages]

    @property
    def total(self) -> int:
        return sum(item.total for item in self.items)


class Candidate(NamedTuple):
    """A text that may answer, the reason, and how near its meaning is."""

    hash: str
    facts: Facts
    why: str
    cosine: float | None = None


class Drawer:
    """Looks up the drugs of texts under the filters, until the search has used its commands."""

    def __init__(self, asked: Asked, packages: int) -> None:
        self._generation, self._index = asked.names.generation, asked.index
        self._filters, self._packages = asked.filters, packages
        self._of_texts = of_texts(asked.filters)
        self._asked_amount = asked.query.has_amounts
        self._left = MOST_PROBED
        self.cut = False

    def cards(
        self, lists: Sequence[Iterable[Candidate]], wanted: int
    ) -> Iterator[tuple[int, Product]]:
        """Products with the number of their list, in the order of their first texts.

        Those without drugs are left out. As many are looked up at once as are wanted, of all
        lists, then twice as many: without filters, one round trip is enough.
        """
        rest = [
            (number, group)
            for number, candidates in enumerate(lists)
            for group in _grouped(
                one for one in candidates if may_pass(one.facts, self._of_texts)
            ).values()
        ]
        ahead = wanted
        while wanted > 0 and rest:
            size = _size_of_batch([len(group) for _, group in rest[:ahead]], self._left)
            if not size:
                self.cut = True
                return
            batch, rest, ahead = rest[:size], rest[size:], 2 * ahead
            asked = [one.hash for _, group in batch for one in group]
            self._left -= len(asked)
            drugs = self.drugs(asked)
            for number, group in batch:
                product = self._filled(group, drugs)
                if product:
                    wanted -= 1
                    yield number, product

    def drugs(self, hashes: Sequence[str]) -> dict[str, Drugs]:
        found = self._index.drugs_of_texts(self._generation, hashes, self._packages, self._filters)
        return dict(zip(hashes, found, strict=True))

    def hidden(self, hashes: Sequence[str]) -> int:
        """How many packages of these texts the filters exclude."""
        every = self._index.drugs_of_texts(self._generation, hashes, 0, {})
        return sum(one.total for one in every)

    def _filled(self, group: Sequence[Candidate], drugs: Mapping[str, Drugs]) -> Product | None:
        items = [
            OfStrength(strength_of(some.some[0]), some.total, some.some)
            for one in group
            if (some := drugs[one.hash]).some
        ]
        return Product(group[0].why, group[0].cosine, self._merged(items)) if items else None

    def _merged(self, items: Sequence[OfStrength]) -> tuple[OfStrength, ...]:
        """Texts of one strength are one item, by amount; the one that was asked for first."""
        by_strength: dict[str, OfStrength] = {}
        for item in items:
            key = fold(item.strength)
            held = by_strength.get(key)
            by_strength[key] = (
                OfStrength(held.strength, held.total + item.total, held.packages + item.packages)
                if held
                else item
            )
        every = list(by_strength.values())
        first = every[:1] if self._asked_amount else []
        others = sorted(every[len(first) :], key=lambda one: sort_key(one.strength))
        return (*first, *others)


def strength_of(fields: Fields) -> str:
    return fields.get("strength", "")


def _grouped(candidates: Iterable[Candidate]) -> dict[tuple[object, ...], list[Candidate]]:
    groups: dict[tuple[object, ...], list[Candidate]] = {}
    for one in candidates:
        group = groups.setdefault(one.facts.card, [])
        if len(group) < MOST_STRENGTHS:
            group.append(one)
    return groups


def _size_of_batch(texts: Sequence[int], left: int) -> int:
    """How many of the first groups, of so many texts each, are asked for in one round trip."""
    most = min(left, max(PROBED_AT_ONCE, texts[0]))
    return sum(count <= most for count in accumulate(texts))
