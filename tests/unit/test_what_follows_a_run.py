"""What the terminal says after a run: its checks, and the next command with all that was given."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli.commands import run as commands
from cli.options import as_options
from cli.show.show import show_report
from cli.show.terminal import console
from workflow.contract.events.files import Check, GuardResult
from workflow.contract.events.payloads import RunInput
from workflow.contract.events.report import RunReport

RUN = "20261101T020000000-sync-1a2b"


class OneRun:
    """A site whose only run had this input."""

    options = " --stage prod"

    def __init__(self, **given: Any) -> None:
        self._input = RunInput(**given)

    def input_of(self, run_id: str) -> RunInput:
        assert run_id == RUN
        return self._input

    def note(self, report: RunReport) -> str:
        return ""


def ended(mode: Any, *tripped: Any, error: str | None = None, dry_run: bool = False) -> RunReport:
    guards = [GuardResult(guard=one, tripped=True, accepted=False, message="") for one in tripped]
    return RunReport(
        run_id=RUN,
        mode=mode,
        dry_run=dry_run,
        status="FAILED",
        started_at=datetime(2026, 11, 1, tzinfo=UTC),
        duration_s=1,
        error=error,
        guards=tuple(guards),
    )


def said(site: Any, done: RunReport, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    commands._show_next(site, done)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(("each", "shown"), [(True, ["good", "bad"]), (False, ["bad"])])
def test_a_check_that_failed_is_always_shown(
    each: bool, shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    checks = [Check(check="good", passed=True, expected="1", found="1")]
    checks.append(Check(check="bad", passed=False, expected="2", found="3"))
    report = ended("sync").model_copy(update={"verification": tuple(checks)})
    show_report(console(), report, Path("report.html"), each_check=each)
    said = capsys.readouterr().out
    assert "verification: 1 of 2 checks hold" in said
    assert [name for name in ("good", "bad") if f" {name} " in said] == shown


def test_what_was_given_and_accepted_is_given_again(capsys: pytest.CaptureFixture[str]) -> None:
    site = OneRun(mode="backfill", reembed=True, page_size=500, accept=("deletes",))
    (_, line) = said(site, ended("backfill", "profile"), capsys)
    assert line.endswith(
        "continue with: drugsync run --mode backfill --page-size 500 --accept deletes "
        "--accept profile --reembed --stage prod"
    )


def test_a_key_range_is_never_widened(capsys: pytest.CaptureFixture[str]) -> None:
    site = OneRun(after_key="a b", through_key="c", dry_run=True)
    line = said(site, ended("sync", "deletes", dry_run=True), capsys)[0]
    assert "continue with: drugsync run --after-key 'a b' --through-key c --accept deletes" in line


def test_a_plan_is_made_anew_with_what_it_was_made_with(capsys: pytest.CaptureFixture[str]) -> None:
    site = OneRun(accept=("budget",), plan=RUN)
    (line,) = said(site, ended("sync", error="PlanStale"), capsys)
    assert line == "make a new plan: drugsync run --dry-run --accept budget --stage prod"


@pytest.mark.parametrize(
    "done", [ended("sync", "switch"), ended("sync", error="GenerationMismatch")]
)
def test_what_only_a_backfill_can_do_is_named(
    done: RunReport, capsys: pytest.CaptureFixture[str]
) -> None:
    """It covers the whole catalog, so it takes no key range."""
    line = said(OneRun(after_key="a", accept=("rejects",)), done, capsys)[-1]
    assert line.endswith(": drugsync run --mode backfill --accept rejects --stage prod")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"mode": "backfill", "reembed": True, "accept": ("deletes", "time")},
        {"after_key": "-x", "through_key": "0; rm", "page_size": 7, "dry_run": True},
        {"plan": RUN},
    ],
)
def test_the_options_give_the_same_input(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command line itself reads them."""
    asked: list[dict[str, Any]] = []

    class Started(OneRun):
        def run(self, run_input: dict[str, Any], out: object) -> None:
            asked.append(run_input)
            raise typer.Exit

    site = Started(**{**given, "plan": None, "dry_run": "plan" in given or "dry_run" in given})
    monkeypatch.setattr(commands, "site_of", lambda *_: site)
    app = typer.Typer()
    app.command()(commands.run)
    done = CliRunner().invoke(app, shlex.split(as_options(RunInput(**given))))
    assert done.exit_code == 0, done.output
    assert RunInput(**asked[0]) == RunInput(**given)
