"""The drugs of an NDC, and no others."""

from collections.abc import Sequence
from typing import Final

from workflow.contract.folding import fold_words
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.search import Filters, SearchIndex
from workflow.search import notices
from workflow.search.cards import OfStrength, Product
from workflow.search.ndcs import LONGEST_KEY, dashed, ndcs_of
from workflow.search.parts import Answer, Part, PartKind

MOST_PACKAGES: Final = 1000
"""Packages of one product that are listed."""


def by_ndc(query: str, names: LiveNames, index: SearchIndex, filters: Filters) -> Answer | None:
    """The drugs whose key was asked for, in any form, and no others."""
    written = query.strip()
    asked = ndcs_of(written)
    as_typed = (written,) if 0 < len(written) <= LONGEST_KEY else ()
    keys = tuple(dict.fromkeys((*as_typed, *asked.keys)))
    held = [one for one in index.documents(names.generation, keys) if one]
    held += [one for prefix in asked.prefixes for one in _of_product(prefix, names, index)]
    if not held:
        is_none = bool(asked.keys or asked.prefixes)
        return Answer([], [notices.no_such_ndc(written)], [], False) if is_none else None
    return _of_keys(written, held, filters, several=len(held) > 1 and not asked.prefixes)


def _of_product(prefix: str, names: LiveNames, index: SearchIndex) -> list[Fields]:
    keys = index.keys_beginning(names.generation, prefix, MOST_PACKAGES)
    return [one for one in index.documents(names.generation, keys) if one]


def _of_keys(written: str, held: Sequence[Fields], filters: Filters, *, several: bool) -> Answer:
    passed = [one for one in held if passes(one, filters)]
    told = []
    if several:
        told.append(notices.several_drugs(written, [dashed(one["ndc"]) for one in held]))
    if len(passed) < len(held):
        told.append(notices.filters_hide(len(held) - len(passed)))
    groups: dict[str, list[Fields]] = {}
    for one in passed:
        groups.setdefault(one["text_hash"], []).append(one)
    products = [
        Product("has the NDC", None, (OfStrength(group[0].get("strength", ""), len(group), group),))
        for group in groups.values()
    ]
    parts = [Part(PartKind.FOUND, (), products)] if products else []
    return Answer(parts, told, list(groups), False)


def passes(fields: Fields, filters: Filters) -> bool:
    """Whether one drug passes the filters, as the index would decide."""
    return all(
        any(_has(column, fields.get(column, ""), value) for value in values)
        for column, values in filters.items()
    )


def _has(column: str, held: str, value: str) -> bool:
    wanted, words = fold_words(value), fold_words(held)
    if column.endswith("_class"):
        return f" {' '.join(wanted)} " in f" {' '.join(words)} "
    return wanted == words
