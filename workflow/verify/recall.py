"""Does a search by meaning find what is nearest? Exact neighbours, page by page."""

from collections.abc import Mapping, Sequence
from heapq import nsmallest
from math import dist

from workflow.contract.events.files import Neighbour
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.texts import TextRecord
from workflow.contract.vectors import cosine_of, length, to_floats

NEAREST = 10
SAME = 1e-4
"""Two cosine distances closer than this are equal: float32 rounds, engines differ."""


def nearest_of_page(
    queries: Sequence[bytes], records: Mapping[str, TextRecord]
) -> tuple[tuple[Neighbour, ...], ...]:
    """Of each query's vector, the page's nearest texts by exact cosine distance."""
    vectors = {one: to_floats(record.vector) for one, record in records.items()} if queries else {}
    lengths = {one: length(vector) for one, vector in vectors.items()}
    found = []
    for query in map(to_floats, queries):
        own = length(query)
        near = nsmallest(
            NEAREST,
            ((1 - cosine_of(dist(query, vectors[one]), own, lengths[one]), one) for one in vectors),
        )
        found.append(tuple(Neighbour(text_hash=one, distance=far) for far, one in near))
    return tuple(found)


def merge_nearest(pages: Sequence[Sequence[Sequence[Neighbour]]]) -> list[list[Neighbour]]:
    """The nearest texts of all pages, each text once, by query."""
    merged = []
    for lists in zip(*(page for page in pages if page), strict=True):
        distinct = {one.text_hash: one for near in lists for one in near}
        merged.append(nsmallest(NEAREST, distinct.values(), key=lambda one: one.distance))
    return merged


def recall(
    index: SearchIndex, space: str, queries: Sequence[bytes], exact: Sequence[Sequence[Neighbour]]
) -> float:
    """The share of the true nearest ten that the index finds; equally near is as good."""
    found = wanted = 0
    for query, near in zip(queries, exact, strict=True):
        if near:
            limit = max(one.distance for one in near)
            hits = index.nearest_texts(space, query, NEAREST)
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
