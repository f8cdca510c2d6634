"""Estimates of tokens, dollars, minutes and memory."""

from __future__ import annotations

import pytest

from tests.payloads import settings
from workflow.costs import bytes_of_generation, estimate, tokens_of


def test_tokens_follow_the_bytes_of_a_text() -> None:
    assert tokens_of("") == 0
    assert tokens_of("abc") == 1
    assert tokens_of("abcd") == 2
    assert tokens_of("µµµ") == 2


def test_an_estimate_multiplies_tokens_by_the_price() -> None:
    found = estimate(["abc"] * 1000, 0, settings(usd_per_1k_tokens=2))
    assert (found.texts, found.tokens, found.usd) == (1000, 1000, 2.0)


def test_the_quota_sets_the_time_where_it_is_the_bottleneck() -> None:
    slow = estimate(["abc"] * 1000, 0, settings(tokens_per_minute=100))
    assert slow.minutes == pytest.approx(10.5, abs=0.1)


def test_the_model_sets_the_time_where_the_quota_is_ample() -> None:
    ample = settings(tokens_per_minute=10**9, embedding_threads=1, embed_concurrency=1)
    found = estimate(["abc"] * 1000, 0, ample)
    assert found.minutes == pytest.approx(0.5 + 1000 * 0.12 / 60, abs=0.01)


def test_nothing_to_embed_costs_nothing() -> None:
    assert estimate([], 0, settings()).usd == 0


def test_a_generation_in_the_same_space_needs_no_room_for_texts() -> None:
    same = bytes_of_generation(1000, settings(), new_space=False)
    new = bytes_of_generation(1000, settings(), new_space=True)
    assert new - same > 1000 * 4 * 256
