"""Decides which removals are safe, even if the catalog is reloaded during a run."""

import hashlib
from collections.abc import Collection, Iterable

import orjson

from workflow.contract.events.payloads import PageRange


def believed(gone: Iterable[str], page: PageRange, *readings: Collection[str]) -> list[str]:
    """The live keys that may be removed, of those that a run did not find.

    `readings` are a page's keys. A key may go only if every reading lacked it and found the same
    keys, as many as the plan did. While a table is emptied and filled, or a view redefined, rows
    disappear for a while; then the page has another number of rows, or other rows at each reading,
    and its removals wait for the next run.
    """
    first, *others = map(set, readings)
    if len(first) != page.rows or any(keys != first for keys in others):
        return []
    return [key for key in gone if key not in first]


def digest(keys: Iterable[str]) -> str:
    """Of a page's keys, in any order: what a later reading is compared with."""
    return hashlib.blake2b(orjson.dumps(sorted(keys)), digest_size=16).hexdigest()
