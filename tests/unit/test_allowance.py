"""Functions wait for the quota that they share."""

from __future__ import annotations

import threading
import time

import pytest

from tests.fakes import FakeEmbedder, FakeQuota
from tests.rows import DIMENSIONS
from workflow.embedding.allowance import Allowance
from workflow.embedding.caller import Caller

WAIT_S = 0.1


class BusyQuota(FakeQuota):
    """Its tokens are there in a tenth of a second."""

    def reserve(self, tokens: int) -> float:
        super().reserve(tokens)
        return WAIT_S if tokens > 0 else 0.0


def test_a_call_waits_until_its_tokens_are_there() -> None:
    started = time.monotonic()
    assert Allowance(BusyQuota()).wait_for(10, threading.Event())
    assert time.monotonic() - started >= WAIT_S


def test_the_model_is_not_asked_before_its_tokens_are_there() -> None:
    embedder = FakeEmbedder()
    caller = Caller(embedder, BusyQuota(), DIMENSIONS)
    thread = threading.Thread(target=caller.embed, args=(["text"],))
    thread.start()
    asked_at_once = list(embedder.calls)
    thread.join()
    assert asked_at_once == []
    assert embedder.embedded == ["text"]


def test_whoever_is_stopped_does_not_wait_and_may_not_send() -> None:
    stop = threading.Event()
    stop.set()
    started = time.monotonic()
    assert not Allowance(BusyQuota()).wait_for(10, stop)
    assert time.monotonic() - started < WAIT_S


def test_one_reservation_serves_several_calls_and_the_rest_is_given_back() -> None:
    quota = FakeQuota(block=100)
    allowance = Allowance(quota)
    for _ in range(3):
        assert allowance.wait_for(30, threading.Event())
    assert quota.reserved == 100
    allowance.give_back()
    assert quota.reserved == 90


@pytest.mark.parametrize("counted", [5, -5])
def test_what_the_model_counted_is_what_is_paid(counted: int) -> None:
    quota = FakeQuota(block=100)
    allowance = Allowance(quota)
    allowance.wait_for(30, threading.Event())
    allowance.settle(counted)
    allowance.give_back()
    assert quota.reserved == 30 + counted
