"""The run report as a page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.contract.events.files import Check, GuardResult, LastRun, RejectedRow
from workflow.contract.events.report import RunReport
from workflow.report.page import render
from workflow.report.plot import TITLED, plot, seconds
from workflow.report.timeline import Bar, StateTimes

START = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)


def report(**changed: object) -> RunReport:
    facts: dict[str, object] = {
        "run_id": "nightly",
        "version": "1.2.3",
        "mode": "sync",
        "dry_run": False,
        "status": "SUCCEEDED",
        "started_at": START,
        "duration_s": 90.0,
        "catalog_rows": 1000,
        "published": True,
    }
    return RunReport.model_validate(facts | changed)


class Tags(HTMLParser):
    """Every tag is closed in the order in which it was opened."""

    VOID = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1] == "p" != tag:
            self.open.pop()
        assert self.open.pop() == tag


def tags_of(page: str) -> Tags:
    parser = Tags()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


@given(words=st.text(), keys=st.lists(st.text(min_size=1), max_size=3))
def test_whatever_the_world_says_is_text_and_no_markup(words: str, keys: list[str]) -> None:
    page = render(
        report(
            status="FAILED",
            published=False,
            error=words,
            cause=f"<script>{words}",
            samples={"added": tuple(keys)},
            rejected=1,
            rejected_rows=(
                RejectedRow(
                    ndc=words,
                    column="route",
                    value=words,
                    reason=f'"><img src=x>{words}',
                    new=True,
                ),
            ),
            verification=(Check(check=words, passed=False, expected=words, found=words),),
            guards=(GuardResult(guard="deletes", tripped=True, accepted=False, message=words),),
        ),
        [],
    )
    assert not tags_of(page).seen & {"script", "img", "a", "link", "iframe"}
    page.encode()


def test_it_needs_nothing_from_the_network() -> None:
    page = render(report(), [])
    assert "default-src 'none'" in page
    assert re.findall(r"(?:src|href|url)\s*[=(]", page) == []


def test_the_outcome_and_the_checks_that_fail_come_first() -> None:
    checks = (
        Check(check="key set", passed=True, expected="1", found="1"),
        Check(check="aliases", passed=False, expected="a", found="another"),
    )
    page = render(report(status="FAILED", published=False, verification=checks), [])
    order = [page.index(one) for one in ("nothing was published", "1 of 2", "aliases", "key set")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"published": False}, "nothing was published"),
        ({"published": True}, "it was published nevertheless"),
        ({"published": None}, "it ended during the switch"),
        ({"mode": "verify", "published": False}, "the live index was not changed"),
    ],
)
def test_a_run_that_failed_says_what_is_searched(facts: dict[str, Any], said: str) -> None:
    loaded = [StateTimes("LoadPages", bars(2), 2)]
    page = render(report(status="FAILED", error="VerificationFailed", **facts), loaded)
    assert f"FAILED: {said}" in page


def test_a_dry_run_says_which_guards_would_stop_it() -> None:
    tripped = GuardResult(guard="deletes", tripped=True, accepted=False, message="too many")
    page = render(report(dry_run=True, published=False, guards=(tripped,)), [])
    assert "a real run would be stopped by the guard deletes" in page


def test_the_last_run_is_compared_figure_by_figure() -> None:
    last = LastRun(
        run_id="before",
        started_at=START,
        duration_s=60.0,
        catalog_rows=1200,
        added=0,
        changed=0,
        removed=0,
        rejected=0,
        texts_embedded=0,
        texts_reused=0,
        tokens=0,
        estimated_usd=0,
    )
    page = render(report(last=last), [])
    assert "before" in page
    assert "<td>-200</td>" in page
    assert "<td>+30.0</td>" in page


def test_what_the_model_counted_is_priced_as_the_estimate_was() -> None:
    figures = {"texts_embedded": 10, "tokens": 500, "estimated_tokens": 1000, "estimated_usd": 0.02}
    assert "about $0.0100" in render(report(**figures), [])


def bars(count: int, retries: int = 0) -> tuple[Bar, ...]:
    return tuple(
        Bar(f"{number:05d}", number / 10, number / 10, number / 10 + 1, retries)
        for number in range(count)
    )


def test_pages_that_were_worked_on_at_once_lie_below_each_other() -> None:
    drawn = plot([StateTimes("DiffPages", bars(3), 3)], 2)
    assert len(set(re.findall(r'<rect x="[^"]+" y="([^"]+)"', drawn))) == 3
    assert "DiffPages: 1.2 s, 3 pages" in drawn


def test_pages_that_left_nothing_and_retries_are_said() -> None:
    drawn = plot([StateTimes("LoadPages", bars(2, retries=3), 5)], 2)
    assert "2 of 5 pages, 6 retried" in drawn
    assert drawn.count('class="retried"') == 2


def test_ten_thousand_pages_stay_a_small_picture() -> None:
    drawn = plot([StateTimes("DiffPages", bars(10_000), 10_000)], 1001)
    assert len(bars(10_000)) > TITLED
    assert len(drawn) < 400_000
    tags_of(drawn)


def test_spans_of_time_are_for_people() -> None:
    assert [seconds(one) for one in (0.24, 59.6, 61, 7325)] == [
        "0.2 s",
        "60 s",
        "1 min 1 s",
        "2 h 2 min",
    ]
