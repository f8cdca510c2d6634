"""Exact neighbours over pages, and the share of them that a search finds."""

from __future__ import annotations

import math
from math import cos, sin
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FakeIndex
from tests.payloads import HOLDER, SPACE
from workflow.contract.documents import record_of, text_hash
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.texts import NewRecord, Text, TextRecord
from workflow.contract.vectors import cosine, to_bytes, to_floats
from workflow.verify.recall import (
    NEAREST,
    merge_nearest,
    nearest_of_page,
    recall,
    self_recall,
)

VECTORS = st.tuples(*[st.integers(-9, 9)] * 3).filter(any).map(to_bytes)
QUERIES = st.lists(VECTORS, min_size=1, max_size=3)
RECORDS = st.lists(VECTORS, max_size=40)


def record(name: str, vector: bytes) -> TextRecord:
    return record_of(Text(text_hash(name, {}), name, {}), vector)


def index_of(records: dict[str, TextRecord]) -> FakeIndex:
    index = FakeIndex()
    index.generations.take_fence(HOLDER)
    index.texts.write(SPACE, HOLDER, [NewRecord(name, one, 1) for name, one in records.items()])
    return index


def search_of(index: FakeIndex) -> SearchIndex:
    return cast(SearchIndex, index.search)


@given(QUERIES, RECORDS, st.data())
def test_the_nearest_of_all_pages_are_those_of_brute_force(
    queries: list[bytes], vectors: list[bytes], data: st.DataObject
) -> None:
    """A text may be on several pages, and a page may have none."""
    records = {f"{number:02}": record(str(number), one) for number, one in enumerate(vectors)}
    pages: list[dict[str, TextRecord]] = [{}, {}, {}]
    for name, one in records.items():
        for page in data.draw(st.sets(st.integers(0, 2), min_size=1), label=name):
            pages[page][name] = one
    asked = {str(number): query for number, query in enumerate(queries)}
    merged = merge_nearest(nearest_of_page(asked, page) for page in pages)
    assert merged.keys() == asked.keys()
    for name, query in asked.items():
        found = merged[name]
        exact = sorted(
            1 - cosine(to_floats(query), to_floats(one.vector)) for one in records.values()
        )[:NEAREST]
        assert len({one.text_hash for one in found}) == len(found) == len(exact)
        for one, distance in zip(found, exact, strict=True):
            assert abs(one.distance - distance) < 1e-6


def test_without_queries_there_is_nothing_to_merge() -> None:
    assert merge_nearest([nearest_of_page({}, {"a": record("a", to_bytes([1, 0]))})]) == {}
    assert merge_nearest([]) == {}


def ring(count: int) -> dict[str, TextRecord]:
    """Vectors that are each further from the first one than those before."""
    angles = {f"{number:02}": math.radians(3 * number) for number in range(count)}
    return {one: record(one, to_bytes([cos(at), sin(at)])) for one, at in angles.items()}


def test_an_exact_search_finds_everything() -> None:
    records = ring(30)
    queries = {one: records[one].vector for one in ("00", "01", "02")}
    exact = merge_nearest([nearest_of_page(queries, records)])
    assert recall(search_of(index_of(records)), SPACE, queries, exact) == 1
    assert self_recall(search_of(index_of(records)), SPACE, list(queries.values())) == 1


def test_each_neighbour_that_is_missed_takes_its_share() -> None:
    records, index = ring(30), index_of(ring(30))
    query = {"00": records["00"].vector}
    exact = merge_nearest([nearest_of_page(query, records)])
    index.search.missed = {"00", "05", "09"}
    assert recall(search_of(index), SPACE, query, exact) == 0.7
    assert self_recall(search_of(index), SPACE, list(query.values())) == 0


def test_another_text_that_is_equally_near_is_as_good() -> None:
    records = {f"{n:02}": record(str(n), to_bytes([1, 1])) for n in range(20)}
    index, query = index_of(records), {"q": to_bytes([1, 1])}
    exact = merge_nearest([nearest_of_page(query, records)])
    index.search.missed = {one.text_hash for one in exact["q"]}
    assert recall(search_of(index), SPACE, query, exact) == 1


def test_a_catalog_of_fewer_texts_than_ten_can_be_found_whole() -> None:
    records = ring(3)
    query = {"00": records["00"].vector}
    exact = merge_nearest([nearest_of_page(query, records)])
    assert recall(search_of(index_of(records)), SPACE, query, exact) == 1


def test_a_query_that_one_side_does_not_know_is_left_out() -> None:
    """Its record changed while the pages were verified."""
    records = ring(30)
    query = {"00": records["00"].vector, "01": records["01"].vector}
    exact = merge_nearest([nearest_of_page({"00": query["00"], "gone": query["01"]}, records)])
    assert recall(search_of(index_of(records)), SPACE, query, exact) == 1
