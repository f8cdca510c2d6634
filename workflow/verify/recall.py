"""Does a search by meaning find the nearest texts? Computes exact neighbours, page by page."""

from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from math import dist

from workflow.contract.events.files import Neighbour
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.texts import TextRecord
from workflow.contract.vectors import cosine_of, length, to_floats

NEAREST = 10
SAME = 1e-4
"""Two cosine distances closer than this are equal: float32 rounds, engines differ."""


Nearest = Mapping[str, Sequence[Neighbour]]
"""By the hash of the text that was searched with: its nearest texts, the nearest first."""


def nearest_of_page(
    queries: Mapping[str, bytes], records: Mapping[str, TextRecord]
) -> dict[str, tuple[Neighbour, ...]]:
    """The page's nearest texts to each query's vector, by exact cosine distance."""
    vectors = {one: to_floats(record.vector) for one, record in records.items()} if queries else {}
    lengths = {one: length(vector) for one, vector in vectors.items()}
    found = {}
    for name, query in ((name, to_floats(data)) for name, data in queries.items()):
        own = length(query)
        near = nsmallest(
            NEAREST,
            ((1 - cosine_of(dist(query, vectors[one]), own, lengths[one]), one) for one in vectors),
        )
        found[name] = tuple(Neighbour(text_hash=one, distance=far) for far, one in near)
    return found


def merge_nearest(pages: Iterable[Nearest]) -> dict[str, list[Neighbour]]:
    """The nearest texts of all pages, each text once, by query."""
    merged: dict[str, list[Neighbour]] = {}
    for page in pages:
        for query, near in page.items():
            distinct = {one.text_hash: one for one in (*merged.get(query, ()), *near)}
            merged[query] = nsmallest(NEAREST, distinct.values(), key=lambda one: one.distance)
    return merged


def recall(index: SearchIndex, space: str, queries: Mapping[str, bytes], exact: Nearest) -> float:
    """The share of the true nearest ten that the index finds; equally near texts count.

    A query whose record changed during the verification is known to one side only, and left out.
    """
    found = wanted = 0
    for query, near in exact.items():
        if near and query in queries:
            limit = max(one.distance for one in near)
            hits = index.nearest_texts(space, queries[query], NEAREST)
            found += min(len(near), sum(hit.distance <= limit + SAME for hit in hits))
            wanted += len(near)
    return found / wanted if wanted else 1.0


def self_recall(index: SearchIndex, space: str, vectors: Sequence[bytes]) -> float:
    """The share of texts that a search with their own vector finds first."""
    own = [
        bool(hits) and hits[0].distance <= SAME
        for hits in (index.nearest_texts(space, one, 1) for one in vectors)
    ]
    return sum(own) / len(own)
