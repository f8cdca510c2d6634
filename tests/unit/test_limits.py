"""What Step Functions bounds, asked at planning."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.machine import MACHINE, MAPS
from workflow.contract.errors import LimitExceeded
from workflow.contract.limits import (
    CHILD_RESULT,
    CHILDREN,
    LARGEST_PAGE,
    MOST_PAGES,
    MOST_TEXT_PAGES,
    PAYLOAD_BYTES,
)
from workflow.steps.limits import EVENTS_OF_STATES, Planned, check_limits

GOAL = Planned(
    pages=MOST_PAGES,
    page_size=8_000,
    plan_bytes=2_000,
    manifest_bytes=150 * MOST_PAGES,
    drugs=3 * 50_000_000,
)
"""Fifty million rows, and two more generations beside them."""


def test_the_goal_is_within_every_limit() -> None:
    check_limits(GOAL)


@pytest.mark.parametrize(
    ("beyond", "words"),
    [
        ({"pages": MOST_PAGES + 1}, r"8,000 rows would be 10,001, and the limit is 10,000; raise"),
        ({"plan_bytes": PAYLOAD_BYTES}, r"payload.*the limit is 262,144; shorten the keys"),
        ({"manifest_bytes": 11 * 1024**3}, r"manifest in bytes.*10,737,418,240"),
        ({"drugs": 400_000_000}, r"history in events would be 28,400.*24,999.*its own stage"),
    ],
)
def test_what_is_beyond_a_limit_is_named_with_figure_limit_and_advice(
    beyond: dict[str, Any], words: str
) -> None:
    with pytest.raises(LimitExceeded, match=words):
        check_limits(GOAL._replace(**beyond))


def test_every_exceeded_limit_is_in_the_message() -> None:
    with pytest.raises(LimitExceeded, match=r"pages.* \| .*events"):
        check_limits(GOAL._replace(pages=MOST_PAGES + 1, drugs=10**9))


def test_the_results_of_a_maps_children_fit_into_its_output() -> None:
    for state in MAPS.values():
        for child in state["ItemProcessor"]["States"].values():
            assert child["ResultSelector"] == json.loads(CHILD_RESULT[:-1])
    assert len(json.dumps([{}] * CHILDREN, separators=(",", ":"))) <= PAYLOAD_BYTES
    assert max(MOST_PAGES, MOST_TEXT_PAGES) < CHILDREN


def test_the_events_of_the_states_are_more_than_they_can_have() -> None:
    """Three of each try, two of the state itself; a Choice has two."""
    waits = 0
    for state in MACHINE["States"].values():
        tries = sum(retry["MaxAttempts"] for retry in state.get("Retry", ()))
        waits += 2 + 3 * (tries + 1)
    assert waits < EVENTS_OF_STATES


def test_the_largest_page_is_what_the_input_takes() -> None:
    from workflow.contract.events.payloads import RunInput

    RunInput(page_size=LARGEST_PAGE)
