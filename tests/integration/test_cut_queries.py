"""A query that the server stops before its end is an error by name, wherever it is asked."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from tests.lab import Lab, Payload, cause_of
from tests.machine import most_tries
from tests.rows import ndc
from workflow.adapters.redis import client as redis_client_module
from workflow.adapters.redis.index import RedisIndex
from workflow.contract.errors import IndexQueryCut
from workflow.contract.ports.generations import LiveNames
from workflow.search.search import search

TEXTS = 100_000
"""The exact neighbours of a vector among so many take several times the limit of the test, 1 ms."""

ON_TIMEOUT = ("FT.CONFIG", "SET", "ON_TIMEOUT")


@pytest.fixture
def big(lab: Lab) -> Iterator[RedisIndex]:
    """A texts index whose searches by meaning take longer than a query may."""
    client = lab.resp3()
    index = RedisIndex(client, dimensions=256, algorithm="FLAT", options={})
    index.server.create_indexes(LiveNames("big", "big"))
    numbers = array("f", (((n * 7919) % 1000) / 1000 + 0.001 for n in range(5000))).tobytes()
    with client.pipeline(transaction=False) as pipe:
        for number in range(TEXTS):
            start = 4 * (number % 4000)
            pipe.hset(f"text:big:{number}", "embedding", numbers[start : start + 1024])
        pipe.execute()
    yield index
    lab.index.redis.execute_command(*ON_TIMEOUT, "RETURN")


@pytest.mark.parametrize("policy", ["RETURN", "FAIL"])
def test_a_search_that_the_server_stops_is_an_error_under_either_policy(
    lab: Lab, big: RedisIndex, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    lab.index.redis.execute_command(*ON_TIMEOUT, policy)
    vector = array("f", [0.5] * 256).tobytes()
    assert len(big.search.nearest_texts("big", vector, 10)) == 10
    monkeypatch.setattr(redis_client_module, "QUERY_MS", 1)
    with pytest.raises(IndexQueryCut, match="Timeout limit"):
        big.search.nearest_texts("big", vector, 10)


def cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on each query's answer says that it was stopped, as the server would say it."""
    whole = redis_client_module.whole

    def stopped(answer: dict[bytes, Any]) -> dict[bytes, Any]:
        return whole({**answer, b"warning": [b"Timeout limit was reached"]})

    monkeypatch.setattr(redis_client_module, "whole", stopped)


def cut_in(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, Payload, Callable[[], Payload]], Payload]:
    def intercept(name: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if name != state:
            return call()
        with monkeypatch.context() as patch:
            cut(patch)
            return call()

    return intercept


@pytest.mark.parametrize("state", ["VerifyPage", "VerifyIndex"])
def test_a_verification_whose_query_is_cut_publishes_nothing(
    synced: Lab, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    documents = synced.index.documents()
    synced.catalog.update(ndc(3), strength="999 mg/1")
    one_by_one = {"verify_concurrency": "1"}
    report = synced.run(intercept=cut_in(state, monkeypatch), settings=one_by_one)
    assert "too small" in cause_of(report, "IndexQueryCut")
    assert synced.index.documents() == documents
    # It passes where the server is only busy, so it is tried again.
    assert max(synced.tries(state).values()) == most_tries(state, "IndexQueryCut")


def test_a_pruning_whose_query_is_cut_deletes_no_text(
    synced: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced.catalog.update(ndc(3), strength="999 mg/1")
    texts = synced.index.texts()
    report = synced.run(intercept=cut_in("PruneIndex", monkeypatch))
    cause_of(report, "IndexQueryCut")
    assert texts.keys() <= synced.index.texts().keys()
    synced.succeed()
    synced.assert_in_step()


def test_a_search_whose_query_is_cut_is_no_short_answer(
    synced: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = RedisIndex(
        redis.Redis.from_url(synced.stack.redis.url, protocol=3),
        dimensions=256,
        algorithm="HNSW",
        options={},
    ).search
    names = index.live()
    assert names is not None
    assert search("aspirin", names, meaning=None, index=index).products
    cut(monkeypatch)
    with pytest.raises(IndexQueryCut):
        search("aspirin", names, meaning=None, index=index)
