"""What alarms and dashboards read: one metric per error, and the figures of each publication."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from handlers.entry import handles
from handlers.telemetry import REPORTED, count_report
from tests.fakes import NOW
from workflow.contract.errors import VerificationFailed
from workflow.contract.events.base import Event
from workflow.contract.events.report import RunReport


class Task(Event):
    run_id: str

    @property
    def where(self) -> str:
        return self.run_id


def emitted(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The metrics among the lines that CloudWatch would read."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line]
    return [line for line in lines if "_aws" in line]


def call(step: Any) -> None:
    context: Any = SimpleNamespace(function_name="function", aws_request_id="request")
    handles(Task)(step)({"run_id": "run"}, context)


def test_a_failed_step_is_counted_under_the_name_of_its_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def step(task: Task) -> Task:
        raise VerificationFailed("a document is wrong")

    with pytest.raises(VerificationFailed):
        call(step)
    (metric,) = emitted(capsys)
    assert (metric["error"], metric["errors"]) == ("VerificationFailed", [1.0])
    assert metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "DrugCatalogSync"


def test_a_step_that_succeeds_counts_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    call(lambda task: task)
    assert emitted(capsys) == []


def report(**changed: Any) -> RunReport:
    values: dict[str, Any] = {
        "run_id": "run",
        "mode": "sync",
        "dry_run": False,
        "status": "SUCCEEDED",
        "started_at": NOW,
        "duration_s": 12.5,
        "published": True,
        **{name: number for number, name in enumerate(REPORTED, start=1)},
    }
    return RunReport(**values | changed)


def test_a_published_run_counts_each_of_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    count_report(report())
    (metric,) = emitted(capsys)
    assert metric["mode"] == "sync"
    assert metric["published"] == [1.0]
    assert metric["duration"] == [12.5]
    assert [metric[name] for name in REPORTED] == [
        [float(number)] for number in range(1, len(REPORTED) + 1)
    ]


@pytest.mark.parametrize("published", [False, None])
def test_a_run_that_published_nothing_counts_nothing(
    capsys: pytest.CaptureFixture[str], published: bool | None
) -> None:
    count_report(report(published=published))
    assert emitted(capsys) == []
