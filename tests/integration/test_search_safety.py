"""No other drug is found in place of the one asked for: a sample of what `make eval` asks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
import redis

from benchmarks.fda_index import read_catalog
from benchmarks.search_safety import (
    Asked,
    held_words,
    judge,
    make_queries,
    slip,
    tall_man,
    wrong,
)
from local.servers.stack import Stack
from tests.searched import NAMES, drug, fill
from workflow.adapters.redis.queries import RedisSearch
from workflow.contract.ports.catalog import Row
from workflow.search.known import known_names
from workflow.search.search import search

ROWS = 2000
SHARE = 150
"""One of so many names: several hundred queries."""


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The first rows of the FDA's catalog, so that most names are of drugs that are not there."""
    return [dict(document.fields) for document in read_catalog(ROWS, NAMES.space).documents]


@pytest.fixture(scope="module")
def index(stack: Stack, rows: list[Row]) -> Iterator[RedisSearch]:
    with redis.Redis.from_url(stack.redis.url, protocol=3) as client:
        kept = [
            {name: value for name, value in row.items() if not name.endswith("_hash")}
            for row in rows
        ]
        yield fill(client, kept).search
        client.flushall()


def test_no_query_is_answered_by_another_drug(index: RedisSearch, rows: list[Row]) -> None:
    known = known_names()
    held = held_words([{name: value or "" for name, value in row.items()} for row in rows])
    queries = make_queries(known, held, SHARE)
    assert len(queries) > 500
    ask = partial(search, names=NAMES, meaning=None, index=index, packages=1)
    assert judge(queries, ask, known) == []


def test_the_judge_sees_another_drug_and_another_substance(stack: Stack) -> None:
    """The judge must be able to find wrong answers, or its goal of none means nothing."""
    known = known_names()
    with redis.Redis.from_url(stack.redis.url, protocol=3) as client:
        lamictal = drug(1, "Lamictal", "Lamictal", "lamotrigine", "25 mg/1", "TABLET", "ORAL")
        index = fill(client, [lamictal]).search
        answer = search("lamictal", NAMES, meaning=None, index=index)
        client.flushall()
    assert list(wrong(Asked("any", "lamictal", "lamictal"), answer, known)) == []
    assert list(wrong(Asked("any", "lamisl", "lamisil"), answer, known)) != []


def test_a_slip_is_one_edit_and_the_same_each_time() -> None:
    slips = [slip(name) for name in tall_man()]
    assert slips == [slip(name) for name in tall_man()]
    assert sum(one != name for one, name in zip(slips, tall_man(), strict=True)) > 100
