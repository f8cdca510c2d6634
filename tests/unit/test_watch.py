"""Watching a run shows the same as `status`."""

from __future__ import annotations

from datetime import UTC, datetime

from cli.documents import MapProgress, RunView
from cli.show.watch import _line

LOADING = MapProgress(state="LoadPages", total=50, done=20, failed=2, running=4, seconds=10)


def view(*maps: MapProgress) -> RunView:
    return RunView(
        run_id="nightly",
        status="RUNNING",
        mode="sync",
        started_at=datetime(2026, 11, 28, tzinfo=UTC),
        state="ReviewChanges",
        maps=maps,
    )


def test_a_map_has_its_rate_and_the_time_left() -> None:
    line = _line(view(LOADING.model_copy(update={"ended": True}), LOADING))
    assert line.startswith("nightly  LoadPages")
    assert "20/50 pages done" in line
    assert "2.0 pages/s, about 14 s left" in line
    assert line.count("LoadPages") == 1


def test_between_maps_the_state_is_named() -> None:
    assert _line(view()) == "nightly  ReviewChanges"
