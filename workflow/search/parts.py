"""The parts of an answer."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from workflow.search.cards import Candidate, Product
from workflow.search.notices import Notice


class PartKind(StrEnum):
    """The reasons for parts, the strongest first."""

    FOUND = "found"
    SAME_SUBSTANCE = "same_substance"
    OTHERS = "other_substances"
    BEGINS = "begins"
    CLASS = "class"
    USE = "use"
    MEANING = "meaning"


class Part(NamedTuple):
    """Products for one reason. `about`: the substances or classes that are meant."""

    kind: PartKind
    about: tuple[str, ...]
    products: list[Product]


class Answer(NamedTuple):
    """Parts, the strongest first, and notices. `more`: there are further products."""

    parts: list[Part]
    notices: list[Notice]
    texts: list[str]
    more: bool

    @property
    def products(self) -> list[Product]:
        return [one for part in self.parts for one in part.products]


class Listed(NamedTuple):
    """A part's texts, before their drugs are looked up."""

    kind: PartKind
    about: tuple[str, ...]
    candidates: Sequence[Candidate]
