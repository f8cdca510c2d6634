"""How long embedding takes here, before it begins."""

from __future__ import annotations

from datetime import UTC, datetime

from cli.documents import MapProgress, RunView
from cli.sites.embedding_rate import Rate, remembered, rows_of_a_minute, said
from workflow.contract.events.report import RunReport

START = datetime(2026, 11, 1, tzinfo=UTC)


def past(
    run_id: str, texts: int, seconds: float, *, redriven: bool = False
) -> tuple[RunView, RunReport | None]:
    one = MapProgress(state="EmbedPages", total=1, done=1, seconds=seconds, redriven=redriven)
    view = RunView(run_id=run_id, status="SUCCEEDED", mode="sync", started_at=START, maps=(one,))
    report = RunReport(
        run_id=run_id,
        mode="sync",
        dry_run=False,
        status="SUCCEEDED",
        started_at=START,
        duration_s=seconds,
        texts_embedded=texts,
    )
    return view, report


def test_the_newest_run_that_embedded_enough_without_a_break_tells() -> None:
    few, broken = past("few", 5, 1.0), past("broken", 900, 1.0, redriven=True)
    found = remembered([few, broken, past("full", 600, 6.0), past("older", 100, 100.0)])
    assert found == Rate(100.0, "measured in run full")


def test_nothing_is_remembered_of_runs_that_embedded_nothing() -> None:
    assert remembered([past("few", 5, 1.0)]) is None


def test_an_estimate_has_its_rate_and_where_that_is_from() -> None:
    assert said(Rate(90.0, "measured in run full"), 67_220) == (
        "67,220 texts to embed on this machine: about 12 min 27 s, at 90 a second "
        "(measured in run full)"
    )


def test_a_minutes_worth_is_a_round_number_of_rows() -> None:
    assert rows_of_a_minute(Rate(90.0, ""), rows=243_941, texts=67_220) == 19_500
    assert rows_of_a_minute(Rate(0.5, ""), rows=100, texts=100) == 100
