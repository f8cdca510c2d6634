"""The table of `make bench-scale`: fitted lines, and what they predict."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import any_size_table
from benchmarks.any_size_files import pages_of
from benchmarks.any_size_table import at, fit, memory_at, record, show

READ_S = 0.002


def measured(work_s: float, mb: float, reads: int) -> dict[str, float]:
    return {"cpu_s": work_s, "server_s": 0, "work_s": work_s, "mb": mb, "reads": reads}


FOUND = {rows: measured(rows / 1e6, 5 + rows / 1e5, rows // 500) for rows in (250_000, 1_000_000)}


def test_a_line_is_fitted() -> None:
    base, slope = fit([(1, 5.0), (2, 7.0), (3, 9.0)])
    assert (base, slope) == pytest.approx((3.0, 2.0))


@pytest.mark.parametrize(
    ("rows", "pages"),
    [(1_000, (1, 1_000)), (10_000_000, (10_000, 1_000)), (50_000_000, (6_250, 8_000))],
)
def test_pages_are_those_of_a_plan(rows: int, pages: tuple[int, int]) -> None:
    assert pages_of(rows) == pages


def test_work_grows_with_rows_and_requests_with_pages() -> None:
    assert at(50_000_000, FOUND, READ_S, "VerifyIndex") == pytest.approx(50 + 12_500 * READ_S)
    assert memory_at(50_000_000, FOUND, "VerifyIndex") == pytest.approx(5 + 62.5)


def test_a_missed_goal_is_said_and_the_first_limit_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = {str(rows): measured(rows / 1e5, 1, 1) for rows in FOUND}
    results = {"s3_read_s": READ_S, "machine": {"python": "3.13", "cpu": "a cpu"}}
    results |= {"states": {"VerifyIndex": slow, "PruneIndex": slow}}
    table = show(results)
    assert re.search(r"500 s, 1 MB: missed \| 9[01] million rows, by time \|", table)
    assert "10.0 s, 1 MB a piece | no size |" in table
    page = tmp_path / "page.md"
    page.write_text(f"a\n{any_size_table.BEGIN}old\n{any_size_table.END}b\n")
    monkeypatch.setattr(any_size_table, "PAGE", page)
    record(results)
    assert table in page.read_text()
    assert "old" not in page.read_text()
