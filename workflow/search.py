"""Search in two steps: the nearest texts, then the drugs of those texts."""

from collections.abc import Sequence
from typing import NamedTuple

from workflow.documents import normalized
from workflow.ports import Embedder, Fields, Index, LiveNames

TEXTS = 50
"""Nearest texts asked for: the first ten drugs of the FDA's catalog hold 4.5 distinct texts."""


class Found(NamedTuple):
    """One drug and the cosine distance of its text."""

    distance: float
    fields: Fields


def search(
    query: str, names: LiveNames, *, embedder: Embedder, index: Index, limit: int = 10
) -> list[Found]:
    """The drugs nearest in meaning, nearest first, of one generation."""
    vector = embedder.embed([normalized(query)], "query")[0]
    return drugs_near(vector.data, names, index=index, limit=limit)


def drugs_near(vector: bytes, names: LiveNames, *, index: Index, limit: int) -> list[Found]:
    """The drugs of the nearest texts. Drugs of one text are in order of their keys."""
    hits = index.nearest_texts(names.space, vector, max(TEXTS, limit))
    found: list[Found] = []
    for hit in hits:
        drugs = index.drugs_of_texts(names.generation, [hit.name], limit - len(found))
        found.extend(Found(hit.distance, fields) for fields in _by_key(drugs))
        if len(found) >= limit:
            break
    return found


def _by_key(drugs: Sequence[Fields]) -> list[Fields]:
    return sorted(drugs, key=lambda fields: fields["ndc"])
