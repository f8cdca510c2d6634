"""Estimates agree with the state machine and with the page about costs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pytest

from tests.machine import MACHINE, ROOT
from tools.capacity import capacity
from workflow.contract.settings import Settings
from workflow.steps.costs import (
    USD_PER_CALL,
    USD_PER_GB_S,
    USD_PER_READ,
    USD_PER_TRANSITION,
    USD_PER_WRITE,
    Work,
    estimate,
    requests_of,
)

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
    new_generation=True,
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


SIZES = (10_000, 500_000, 5_000_000)
PAGE_SIZES = (1_000, 5_000)
NEW_TEXT_SHARE, TEXT_SHARE, TOKENS, TEXTS_A_PAGE = 0.2, 0.197, 38, 500


def work_of(rows: int, changed: float, page_size: int) -> Work:
    """What the page assumes: changes lie on every page, a fifth of them with a new text."""
    pages = math.ceil(rows / page_size)
    upserts = round(rows * changed)
    texts = round(rows * TEXT_SHARE if changed == 1 else upserts * NEW_TEXT_SHARE)
    return Work(
        rows=rows,
        upserts=upserts,
        texts=texts,
        tokens=texts * TOKENS,
        diff_pages=pages,
        pages_with_new_texts=pages if texts else 0,
        embed_pages=math.ceil(texts / TEXTS_A_PAGE),
        load_pages=pages if upserts else 0,
        new_generation=changed == 1,
    )


def rows_of_the_table() -> Iterator[str]:
    for rows in SIZES:
        for name, changed in (("nothing changed", 0.0), ("1 % changed", 0.01), ("first load", 1.0)):
            first, larger = (
                estimate(work_of(rows, changed, page_size), DEFAULTS) for page_size in PAGE_SIZES
            )
            states = first.transitions * USD_PER_TRANSITION
            files = first.s3_reads * USD_PER_READ + first.s3_writes * USD_PER_WRITE
            functions = first.aws_usd - states - files
            assert functions >= first.gb_seconds * USD_PER_GB_S > USD_PER_CALL
            figures = (states, files, functions, first.usd, first.aws_usd + first.usd)
            cells = " | ".join(f"{one:.4f}" for one in figures)
            whole = larger.aws_usd + larger.usd
            yield f"| {rows:,}, {name} | {cells} | {whole:.4f} | {first.minutes:.1f} |"


def test_the_page_has_what_a_run_costs_at_each_size() -> None:
    page = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    assert [line for line in rows_of_the_table() if line not in page] == []


def fixed_costs() -> dict[str, float]:
    """Dollars a month of each line of the page that is bold or an endpoint."""
    page = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| \**([^|*]+?)\** \|[^|]*\| \**([\d.]+)\** \|$", page, re.MULTILINE)
    return {name: float(dollars) for name, dollars in lines}


def rows_of_the_month() -> Iterator[str]:
    fixed = fixed_costs()
    exists = fixed["everything exists"]
    shapes = (
        exists,
        exists + fixed["endpoints, no NAT, existing Redis"],
        fixed["everything created, NAT"],
        fixed["everything created, no NAT"],
    )
    for rows in SIZES[:2]:
        run = estimate(work_of(rows, 0.01, PAGE_SIZES[0]), DEFAULTS)
        runs = 30 * (run.usd + run.aws_usd)
        yield f"| {rows:,} | {' | '.join(f'{one + runs:.2f}' for one in shapes)} |"


def test_the_page_has_what_a_month_costs_in_total() -> None:
    page = " ".join((ROOT / "docs" / "costs.md").read_text(encoding="utf-8").split())
    assert [line for line in rows_of_the_month() if line not in page] == []
    small, large = (estimate(work_of(rows, 0.01, 1_000), DEFAULTS) for rows in SIZES[:2])
    months = [30 * (run.usd + run.aws_usd) for run in (small, large)]
    said = f"${months[0]:.2f} a month for 10,000 drugs and ${months[1]:.2f} for 500,000"
    assert said in page
    loads = [estimate(work_of(rows, 1.0, 1_000), DEFAULTS) for rows in SIZES[:2]]
    first = [f"${one.usd + one.aws_usd:.2f}" for one in loads]
    assert f"The first load costs {first[0]} and {first[1]} once" in page
    created = fixed_costs()["everything created, NAT"]
    assert created / (created + months[1]) > 0.97
    drugs = capacity("r7g.large", 1024).drugs
    assert f"[{drugs / 1e6:.1f} million drugs](deploy.md#how-much-fits)" in page


def test_pages_that_speak_of_a_months_cost_say_the_same() -> None:
    fixed = fixed_costs()
    least, most = fixed["everything exists"], fixed["everything created, no NAT"]
    said = f"${least:.0f} a month on servers and a network that you have, to ${most:.0f}"
    for name in ("index.md", "deploy.md"):
        page = " ".join((ROOT / "docs" / name).read_text(encoding="utf-8").split())
        assert said in page, name


def test_what_a_run_without_changes_costs_is_said_alike_everywhere() -> None:
    small, large = (estimate(work_of(500_000, 0.0, size), DEFAULTS).aws_usd for size in PAGE_SIZES)
    page = " ".join((ROOT / "docs" / "costs.md").read_text(encoding="utf-8").split())
    assert f"${730 * small:.0f} in pages of 1,000, ${730 * large:.0f} in pages of 5,000" in page
    assert f"a night without changes costs ${small:.3f}" in page
    decision = (ROOT / "docs" / "decisions" / "page-size.md").read_text(encoding="utf-8")
    assert f"half a million drugs costs ${small:.3f}" in " ".join(decision.split())
    assert f"| pages of 1,000 | {small:.3f} |" in decision
    assert f"| pages of 5,000 | **{large:.3f}** |" in decision
