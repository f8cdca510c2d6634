"""Filters as the index compares them, regardless of how a stored value is typed."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from workflow.contract.columns import DETAIL_COLUMNS, FLAG_COLUMNS, TAG_COLUMNS
from workflow.contract.folding import fold
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.search import Filters, SearchIndex
from workflow.search.facts import Facts

FOLDED: Final = tuple(one for one in TAG_COLUMNS if one not in (*FLAG_COLUMNS, "gcn_seqno"))
"""Columns whose values people type."""

REMEMBERED: Final = 64
"""Facts of generations, such as a column's values, that a process keeps between two switches."""


MOST_TEXTS: Final = 1000
"""Texts of a narrow filter: their vectors are compared one by one."""


def as_stored(filters: Filters, names: LiveNames, index: SearchIndex) -> Filters:
    """Each value, with all stored values that have the same folded words."""
    return {
        column: tuple(
            dict.fromkeys(one for value in values for one in _stored(column, value, names, index))
        )
        for column, values in filters.items()
    }


def unknown_values(
    filters: Filters, names: LiveNames, index: SearchIndex
) -> Iterator[tuple[str, str]]:
    """Column and value of each filter that no drug passes, of columns whose values users type."""
    for column, values in filters.items():
        if column in FOLDED:
            stored = _by_words(names, column, index.stored_values)
            yield from ((column, value) for value in values if fold(value) not in stored)


def _stored(column: str, value: str, names: LiveNames, index: SearchIndex) -> tuple[str, ...]:
    if column not in FOLDED:
        return (value,)
    return _by_words(names, column, index.stored_values).get(fold(value), (value,))


@lru_cache(REMEMBERED)
def _by_words(
    names: LiveNames, column: str, stored: Callable[[str, str], list[str]]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for value in stored(names.generation, column):
        words = fold(value)
        found[words] = (*found.get(words, ()), value)
    return found


def texts_under(filters: Filters, names: LiveNames, index: SearchIndex) -> Sequence[str] | None:
    """The texts of all drugs that pass; None if they are many. People filter by the same values
    again and again."""
    asked = tuple((column, tuple(values)) for column, values in sorted(filters.items()))
    return _texts_under(names, asked, index.texts_of_drugs)


@lru_cache(REMEMBERED)
def _texts_under(
    names: LiveNames,
    filters: tuple[tuple[str, tuple[str, ...]], ...],
    find: Callable[[str, Filters, int], list[str] | None],
) -> list[str] | None:
    return find(names.generation, dict(filters), MOST_TEXTS)


def of_texts(filters: Filters) -> dict[str, frozenset[str]]:
    """Filters that exclude a text without asking Redis: all its drugs share form and route."""
    return {
        column: frozenset(map(fold, values))
        for column, values in filters.items()
        if column in DETAIL_COLUMNS
    }


def may_pass(facts: Facts, wanted: dict[str, frozenset[str]]) -> bool:
    return all(facts.says(column) in values for column, values in wanted.items())
