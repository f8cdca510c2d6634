"""The order of this machine's runs, also where its clock was wrong."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.options import complete_run
from cli.sites.local_site import LocalSite
from local.engine.kept import kept_runs
from local.engine.runner import LOG
from local.engine.runs import only_one
from local.places import HOME_VARIABLE


def run(root: Path, ago: timedelta, kind: str) -> str:
    name = f"{datetime.now(UTC) - ago:%Y%m%dT%H%M%S%f}"[:-3] + f"-{kind}-1a2b"
    (root / "runs" / name).mkdir(parents=True)
    (root / "runs" / name / LOG).touch()
    return name


def test_a_run_from_the_future_is_not_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = run(tmp_path, timedelta(days=1), "sync"), run(tmp_path, timedelta(0), "sync")
    ahead = run(tmp_path, timedelta(days=-3), "backfill")
    (tmp_path / "runs" / "doctor").mkdir()
    assert kept_runs(tmp_path) == [new, old, ahead]
    assert LocalSite(tmp_path).view(None).run_id == new
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert complete_run("2") == [new, old, ahead]


def test_the_run_in_progress_is_the_newest_whatever_the_clock_says(tmp_path: Path) -> None:
    run(tmp_path, timedelta(0), "sync")
    for ago in (timedelta(days=9), timedelta(days=-9)):
        mine = run(tmp_path, ago, "sync")
        with only_one(tmp_path, mine):
            assert kept_runs(tmp_path)[0] == mine


def test_a_name_that_somebody_gave_is_newer_than_those_with_a_start(tmp_path: Path) -> None:
    run(tmp_path, timedelta(0), "sync")
    (tmp_path / "runs" / "nightly").mkdir()
    (tmp_path / "runs" / "nightly" / LOG).touch()
    assert kept_runs(tmp_path)[0] == "nightly"
