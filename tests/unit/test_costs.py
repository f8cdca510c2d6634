"""Estimates of tokens, dollars, minutes and memory."""

from __future__ import annotations

from typing import Any

import pytest

from tests.payloads import settings
from workflow.embedding.caller import tokens_of
from workflow.steps.costs import FLOOR_TOKENS, Work, bytes_of_generation, estimate
from workflow.verify.floor import WORDS, nonsense


def test_tokens_follow_the_bytes_of_a_text() -> None:
    assert tokens_of("") == 0
    assert tokens_of("abc") == 1
    assert tokens_of("abcd") == 2
    assert tokens_of("µµµ") == 2


def work(**changed: int) -> Work:
    counts: dict[str, Any] = {
        "rows": 1000,
        "upserts": 1000,
        "texts": 1000,
        "tokens": 1000,
        "diff_pages": 1,
        "pages_with_new_texts": 1,
        "embed_pages": 2,
        "load_pages": 1,
    }
    return Work(**{**counts, **changed})


def test_an_estimate_multiplies_tokens_by_the_price() -> None:
    found = estimate(work(), settings(usd_per_1k_tokens=2, verify_texts=0))
    assert (found.texts, found.tokens, found.usd) == (1000, 1000, 2.0)


def test_what_the_verification_asks_of_the_model_is_paid_too() -> None:
    """Twenty sampled texts of one token, and the floor's words."""
    found = estimate(work(), settings(usd_per_1k_tokens=2, verify_texts=20))
    assert (found.tokens, found.usd) == (1220, 2.44)
    assert estimate(work(texts=0, tokens=0), settings()).tokens == 0


def test_the_floor_s_words_have_the_tokens_that_are_counted() -> None:
    asked = sum(tokens_of(nonsense(number)) for number in range(WORDS))
    assert asked == pytest.approx(FLOOR_TOKENS, rel=0.25)


def test_the_quota_sets_the_time_where_it_is_the_bottleneck() -> None:
    slow = estimate(work(), settings(tokens_per_minute=100))
    assert slow.minutes == pytest.approx(10.5, abs=0.1)


def test_the_model_sets_the_time_where_the_quota_is_ample() -> None:
    ample = settings(tokens_per_minute=10**9, embedding_threads=1, embed_concurrency=1)
    assert estimate(work(), ample).minutes == pytest.approx(0.5 + 1000 * 0.12 / 60, abs=0.01)


def test_functions_that_wait_for_the_quota_are_paid() -> None:
    fast = estimate(work(), settings(tokens_per_minute=10**9, embedding_threads=16))
    slow = estimate(work(), settings(tokens_per_minute=100, embedding_threads=16))
    assert slow.gb_seconds > fast.gb_seconds + 600
    assert slow.aws_usd > fast.aws_usd


def test_a_run_without_changes_only_compares_and_verifies() -> None:
    same = work(upserts=0, texts=0, tokens=0, pages_with_new_texts=0, embed_pages=0, load_pages=0)
    found = estimate(same, settings())
    assert (found.usd, found.transitions) == (0, 13 + 1 + 2 * 2)


def test_a_generation_in_the_same_space_needs_no_room_for_texts() -> None:
    same = bytes_of_generation(1000, settings(), new_space=False)
    new = bytes_of_generation(1000, settings(), new_space=True)
    assert new - same > 0.2 * 1000 * 4 * 256


def test_a_new_space_is_measured_by_what_the_server_holds_for_each_drug() -> None:
    assert bytes_of_generation(1000, settings(), new_space=True, used_per_row=3000.0) == 3_000_000
