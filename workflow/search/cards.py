"""One card a product: the strengths and packages of one name, form and route."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from workflow.contract.folding import fold
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.search import Drugs
from workflow.search.asked import Asked
from workflow.search.facts import facts_of
from workflow.search.known import KnownNames
from workflow.search.strengths import sort_key

MOST_STRENGTHS: Final = 16
"""Texts of one card that are looked at."""

MOST_PROBED: Final = 400
"""For how many texts one search looks up drugs; each is one Redis command."""

PROBED_AT_ONCE: Final = 24


class OfStrength(NamedTuple):
    """The packages of one strength: some of the `total`."""

    strength: str
    total: int
    packages: list[Fields]


class Product(NamedTuple):
    """One card. `why` says in words what it has of the query; `cosine` how near its meaning is."""

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
    fields: Fields
    why: str
    cosine: float | None = None


class Drawer:
    """Gives the drugs of texts under the filters, as long as the search has commands left."""

    def __init__(self, asked: Asked, packages: int) -> None:
        self._generation, self._index = asked.names.generation, asked.index
        self._filters, self._packages = asked.filters, packages
        self._known = asked.known
        self._asked_amount = asked.query.has_amounts
        self._left = MOST_PROBED
        self.cut = False

    def cards(self, candidates: Iterable[Candidate]) -> Iterator[Product]:
        """Products in the order of their first texts; those without drugs are left out."""
        groups = iter(_grouped(candidates, self._known).values())
        while part := list(_up_to(groups, PROBED_AT_ONCE)):
            asked = [one for group in part for one in group]
            if len(asked) > self._left:
                self.cut = True
                return
            self._left -= len(asked)
            yield from self._filled(part, self.drugs([one.hash for one in asked]))

    def drugs(self, hashes: Sequence[str]) -> dict[str, Drugs]:
        found = self._index.drugs_of_texts(self._generation, hashes, self._packages, self._filters)
        return dict(zip(hashes, found, strict=True))

    def hidden(self, hashes: Sequence[str]) -> int:
        """How many packages of these texts the filters exclude."""
        every = self._index.drugs_of_texts(self._generation, hashes, 0, {})
        return sum(one.total for one in every)

    def _filled(
        self, groups: Sequence[Sequence[Candidate]], drugs: Mapping[str, Drugs]
    ) -> Iterator[Product]:
        for group in groups:
            items = [
                OfStrength(strength_of(some.some[0]), some.total, some.some)
                for one in group
                if (some := drugs[one.hash]).some
            ]
            if items:
                yield Product(group[0].why, group[0].cosine, self._merged(items))

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


def _grouped(
    candidates: Iterable[Candidate], known: KnownNames
) -> dict[tuple[object, ...], list[Candidate]]:
    groups: dict[tuple[object, ...], list[Candidate]] = {}
    for one in candidates:
        group = groups.setdefault(facts_of(one.fields, known).card, [])
        if len(group) < MOST_STRENGTHS:
            group.append(one)
    return groups


def _up_to(groups: Iterator[list[Candidate]], most: int) -> Iterator[list[Candidate]]:
    """Groups, until they have this many texts."""
    count = 0
    for group in groups:
        yield group
        count += len(group)
        if count >= most:
            return
