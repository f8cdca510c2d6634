"""What `make bench` writes into docs/performance.md."""

from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.tables import TABLES

FOUND = {"rows": 5000, "ours_rows_per_s": 640.4, "old_rows_per_s": 11.6, "times_faster": 55.2}
MEASURED = {
    "measured_at": "2026-11-28T16:00:00+00:00",
    "load": 2.4,
    "machine": {"cores": 2, "cpu": "EPYC", "python": "3.11.7"},
    "found": FOUND,
}


def test_only_measured_parts_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (
        "Prose.\n<!-- bench: short -->\n<!-- end of bench -->\n"
        "<!-- bench: old-loader -->\nold figures\n<!-- end of bench -->\nMore.\n"
        "<!-- bench: floor -->\nkept\n<!-- end of bench -->\n"
    )
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    page.PAGE.write_text(before, encoding="utf-8")
    page.write({"old-loader": MEASURED})
    after = page.PAGE.read_text(encoding="utf-8")
    assert "| 5,000 | 640 | 11.6 | 55 x |" in after
    assert "Measured 2026-11-28 on 2 cores (EPYC) with Python 3.11.7, load 2." in after
    assert "old figures" not in after
    first = "first build of 5,000 drugs at 70 ms per model call, beside the old loader"
    assert f"| {first} | 55 times faster | 50 |" in after
    assert after.startswith("Prose.\n")
    assert after.endswith("More.\n<!-- bench: floor -->\nkept\n<!-- end of bench -->\n")
    page.write({"old-loader": MEASURED})
    assert page.PAGE.read_text(encoding="utf-8") == after


def test_the_short_table_keeps_the_rows_of_parts_that_were_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = "| largest bundle, zipped | 4.63 MB: missed | 3 MB |"
    old = "| first build of 900 drugs at 70 ms per model call, beside the old loader | old | 50 |"
    head = "| what | measured | goal |\n| --- | --- | --- |"
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    page.PAGE.write_text(
        f"<!-- bench: short -->\n\n{head}\n{old}\n{kept}\n\n<!-- end of bench -->\n", "utf-8"
    )
    page.write({"old-loader": MEASURED})
    rows = page.PAGE.read_text(encoding="utf-8").split("\n")[2:6]
    assert rows[:2] == head.split("\n")
    assert "55 times faster" in rows[2]
    assert rows[3] == kept


def test_the_page_marks_parts_that_exist() -> None:
    marked = [part[1] for part in page.PART.findall(page.PAGE.read_text(encoding="utf-8"))]
    assert marked
    assert set(marked) <= {*TABLES, page.SHORT}
