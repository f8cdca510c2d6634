"""Estimates agree with the state machine and with the page about costs."""

from __future__ import annotations

import pytest

from tests.machine import MACHINE, ROOT
from workflow.contract.settings import Settings
from workflow.steps.costs import Work, estimate, requests_of

ROWS, PAGES = 494_000, 494
SYNC = Work(
    rows=ROWS,
    upserts=4_940,
    texts=988,
    tokens=988 * 38,
    diff_pages=PAGES,
    pages_with_new_texts=PAGES,
    embed_pages=2,
    load_pages=PAGES,
)
BACKFILL = Work(
    rows=ROWS,
    upserts=ROWS,
    texts=97_463,
    tokens=97_463 * 38,
    diff_pages=PAGES,
    pages_with_new_texts=PAGES,
    embed_pages=195,
    load_pages=PAGES,
)
DEFAULTS = Settings(
    run_bucket="runs",
    catalog_table="drugs",
    mysql_host="mysql",
    mysql_database="fdb",
    redis_url="rediss://redis:6379",
)


def test_a_run_with_changes_passes_every_state_once_and_the_children_twice() -> None:
    children = 2 * BACKFILL.diff_pages + BACKFILL.embed_pages + BACKFILL.load_pages
    states = len(MACHINE["States"])
    assert requests_of(BACKFILL).transitions == states + 1 + 2 * children


@pytest.mark.parametrize("work", [SYNC, BACKFILL], ids=["sync", "backfill"])
def test_the_page_about_costs_has_what_is_estimated(work: Work) -> None:
    page = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    found = estimate(work, DEFAULTS)
    for count in (found.transitions, found.s3_reads, found.s3_writes, round(found.gb_seconds)):
        assert f" {count:,} " in page
    assert f"**{found.usd + found.aws_usd:.3f}**" in page
