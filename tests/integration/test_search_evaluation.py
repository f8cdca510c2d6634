"""The evaluation set is what its page says: large enough, the same each time, not the synonyms."""

import json

import pytest

from benchmarks.fda_index import ALL_PRESCRIPTIONS, Catalog, read_catalog
from benchmarks.search_eval import interval, score
from benchmarks.search_queries import (
    EvalQuery,
    lay_queries,
    make_blind_queries,
    make_queries,
    misspell,
)
from local.catalogs.catalog import FDA_GOLDEN_QUERIES
from workflow.search.synonyms import fda_synonyms
from workflow.verify.golden import GoldenQuery


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """All 101,447 prescriptions: ten seconds, so once."""
    return read_catalog(ALL_PRESCRIPTIONS, "eval")


@pytest.fixture(scope="module")
def queries(catalog: Catalog) -> list[EvalQuery]:
    return make_queries(catalog)


def test_there_are_enough_queries_and_each_has_an_answer(queries: list[EvalQuery]) -> None:
    assert len(queries) >= 300
    assert sum(query.unseen for query in queries) >= 100
    assert [query.query for query in queries if not query.relevant] == []


def test_the_set_is_the_same_each_time(catalog: Catalog, queries: list[EvalQuery]) -> None:
    again = make_queries(catalog)
    assert again == queries
    assert misspell("atorvastatin") == misspell("atorvastatin") != "atorvastatin"
    assert len({query.query for query in queries if query.kind != "look-alike"}) > 300


def test_the_blind_set_asks_for_other_names(catalog: Catalog, queries: list[EvalQuery]) -> None:
    blind = make_blind_queries(catalog)
    assert len(blind) >= 100
    assert {one.kind for one in blind} == {one.kind for one in queries}
    assert {one.query for one in blind}.isdisjoint(one.query for one in queries)
    assert [one.query for one in blind if not one.relevant] == []


def test_no_lay_query_is_a_synonym_word_for_word() -> None:
    asked = {query for which in ("first", "blind") for query, _ in lay_queries(which)}
    assert asked.isdisjoint(fda_synonyms().phrases)


def test_the_default_golden_queries_fit_any_part_of_the_catalog() -> None:
    golden = [GoldenQuery(**one) for one in json.loads(FDA_GOLDEN_QUERIES.read_bytes())]
    assert len(golden) > 15
    assert all(one.if_present for one in golden)


def test_scores_of_a_ranking() -> None:
    query = EvalQuery("brand", "x", frozenset({"a", "b"}))
    assert score(query, ["c", "a"])[:3] == (0.0, 1.0, 0.5)
    assert score(query, ["a", "b"]) == (1.0, 1.0, 1.0, 1.0)
    assert score(query, []) == (0.0, 0.0, 0.0, 0.0)


def test_an_interval_is_around_the_mean() -> None:
    low, high = interval([0.0, 1.0] * 50)
    assert 0.35 < low < 0.5 < high < 0.65
