"""What a search reads."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import Generation, LiveNames
from workflow.contract.ports.texts import TextRecord


class Hit(NamedTuple):
    """One search result: the hash's name without its prefix, and its cosine distance."""

    name: str
    distance: float


class NameQuery(NamedTuple):
    """What a search asks of the texts' names. Words are folded (`contract.folding`).

    A name must hold every one of `terms`: all words of one of a term's alternatives, in any of its
    names. `zolo*` is any word that begins so. Where more are found than wanted, those with
    `numbers` and `forms` come first.
    """

    terms: tuple[tuple[tuple[str, ...], ...], ...]
    numbers: tuple[str, ...]
    forms: tuple[str, ...]


class ClassQuery(NamedTuple):
    """Folded words of one class: side by side where `exact`, else all of them in any order."""

    words: tuple[str, ...]
    exact: bool


class Drugs(NamedTuple):
    """How many drugs there are, and some of them, by key."""

    total: int
    some: list[Fields]


Filters = Mapping[str, Sequence[str]]
"""Column -> the values of which a drug must have one; for columns of classes, words that it must
hold."""


class SearchIndex(Protocol):
    """What a search reads. Errors: `errors.IndexError_`."""

    def live(self) -> LiveNames | None: ...
    def generation(self, name: str) -> Generation | None: ...
    def count(self, generation: str) -> int:
        """How many keys the generation's key set has."""
        ...

    def documents(self, generation: str, ndcs: Sequence[str]) -> list[Fields]:
        """Each document's hash; empty if it does not exist."""
        ...

    def keys_beginning(self, generation: str, prefix: str, most: int) -> list[str]:
        """The first keys of the generation with this prefix, at most `most`."""
        ...

    def text_records(self, space: str, hashes: Sequence[str]) -> list[TextRecord | None]: ...
    def nearest_texts(self, space: str, vector: bytes, count: int) -> list[Hit]: ...
    def find_named(
        self, space: str, queries: Sequence[NameQuery], count: int
    ) -> list[dict[str, Fields]]:
        """The columns of `count` texts at most of each query, by hash."""
        ...

    def find_classed(
        self, space: str, queries: Sequence[ClassQuery], count: int
    ) -> list[list[str]]:
        """The hashes of `count` texts at most of each class."""
        ...

    def find_near(
        self, space: str, vector: bytes, queries: Sequence[ClassQuery], count: int
    ) -> tuple[list[Hit], list[list[str]]]:
        """`nearest_texts` and `find_classed` in one round trip."""
        ...

    def text_columns(self, space: str, hashes: Sequence[str]) -> dict[str, Fields]:
        """The columns of texts by hash; a text that does not exist is left out."""
        ...

    def spellings(self, space: str, words: Sequence[str], edits: int) -> dict[str, list[str]]:
        """Each word that no text holds, with the words of names at this edit distance.

        Each further edit costs several times as much.
        """
        ...

    def drugs_of_texts(
        self, generation: str, hashes: Sequence[str], limit: int, filters: Filters
    ) -> list[Drugs]:
        """The drugs of each text that pass the filters, `limit` of each text."""
        ...

    def texts_of_drugs(self, generation: str, filters: Filters, most: int) -> list[str] | None:
        """The texts of all drugs that pass; None if more than `most` drugs do."""
        ...

    def drugs_like(self, generation: str, filters: Filters, name: str, limit: int) -> list[Fields]:
        """Drugs that pass the filters and hold all words of `name` in their names."""
        ...

    def stored_values(self, generation: str, column: str) -> list[str]:
        """Every value of a column that is filtered by, as the index compares it."""
        ...

    def count_values(
        self, generation: str, hashes: Sequence[str], columns: Mapping[str, Filters]
    ) -> dict[str, dict[str, int]]:
        """Column -> value -> how many drugs of these texts have it, under each column's filters."""
        ...
