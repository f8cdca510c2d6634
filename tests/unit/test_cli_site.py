"""Progress, options and AWS's errors, as the command line shows them."""

from __future__ import annotations

from typing import get_args

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)
from typer.testing import CliRunner

from cli.app import app, main
from cli.documents import MapProgress
from cli.options import run_input, site_of
from cli.sites.aws_errors import explained
from cli.sites.aws_view import label_of
from cli.sites.site import SiteError
from tools.reference import named_errors
from workflow.contract.errors import CatalogUnavailable, advice
from workflow.contract.events.base import Mode
from workflow.operate.doctor import finding
from workflow.steps.accept_run import parse_input


def test_a_maps_rate_tells_when_it_will_be_done() -> None:
    progress = MapProgress(state="LoadPages", total=50, done=20, failed=2, running=4, seconds=10)
    assert (progress.pending, progress.rate, progress.eta_s) == (24, 2.0, 14.0)


@pytest.mark.parametrize(
    "progress",
    [
        MapProgress(state="LoadPages", total=50, done=0, seconds=10),
        MapProgress(state="LoadPages", total=50, done=20, seconds=10, redriven=True),
    ],
    ids=["nothing done", "redriven"],
)
def test_a_rate_that_would_be_wrong_is_not_shown(progress: MapProgress) -> None:
    assert (progress.rate, progress.eta_s) == (None, None)


def test_a_map_that_ended_has_no_time_left() -> None:
    assert (
        MapProgress(state="DiffPages", total=9, done=7, failed=2, seconds=3, ended=True).eta_s
        is None
    )


def test_a_map_run_is_known_by_its_label() -> None:
    arn = "arn:aws:states:us-east-1:123456789012:mapRun:drug-catalog-sync-prod/LoadPages:8f3a"
    assert label_of(arn) == "LoadPages"


def test_the_input_holds_only_what_was_given() -> None:
    assert run_input(mode="sync", page_size=None, accept=[], dry_run=False, reembed=True) == {
        "mode": "sync",
        "reembed": True,
    }
    assert run_input(page_size=0) == {"page_size": 0}


@pytest.mark.parametrize("mode", get_args(Mode))
def test_each_mode_is_accepted_without_any_other_option(mode: str) -> None:
    given = run_input(mode=mode, dry_run=False, reembed=False, accept=None, page_size=None)
    assert parse_input(given).mode == mode


def test_a_profile_without_a_stage_is_a_mistake() -> None:
    with pytest.raises(SiteError, match="need --stage"):
        site_of(None, "ops", None)


def test_a_profile_that_is_not_there_is_named() -> None:
    with pytest.raises(SiteError, match=r"nowhere.*aws configure list-profiles"):
        site_of("prod", "nowhere", "us-east-1")


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "said AWS"}}, "StartExecution")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "aws sso login"),
        (NoRegionError(), "--region"),
        (ProfileNotFound(profile="ops"), "list-profiles"),
        (EndpointConnectionError(endpoint_url="https://states"), "check the network"),
        (refused("ExpiredTokenException"), "aws sso login"),
        (refused("AccessDeniedException"), "operator-function.md"),
        (refused("Throttled"), "StartExecution: Throttled: said AWS"),
        (refused("ExecutionDoesNotExist"), "list them with"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else "",
)
def test_what_aws_refuses_says_what_to_do(error: Exception, said: str) -> None:
    with (
        pytest.raises(SiteError, match=said),
        explained({"ExecutionDoesNotExist": "no such run; list them with: drugsync runs"}),
    ):
        raise error


def test_a_finding_says_what_the_errors_definition_says() -> None:
    def down() -> str:
        raise CatalogUnavailable("MySQL did not answer")

    found = finding("MySQL catalog", down)
    assert (found.ok, found.found) == (False, "CatalogUnavailable: MySQL did not answer")
    assert found.advice == "Check host, port, security group and load."


def test_what_to_do_is_known_for_every_error() -> None:
    assert advice("GenerationMismatch") == "Start a backfill."
    assert advice("States.Timeout") == ""
    assert [one.__name__ for one in named_errors() if not advice(one.__name__)] == []


def test_an_error_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["drugsync", "runs", "--profile", "ops"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error --profile and --region need --stage")
    assert said.count("\n") == 1
    assert "\x1b" not in said


@pytest.mark.parametrize(
    "verb", ["run", "redrive", "status", "runs", "report", "rollback", "doctor"]
)
def test_help_has_examples(verb: str) -> None:
    shown = CliRunner().invoke(app, [verb, "--help"], terminal_width=120).output
    assert f"$ drugsync {verb}" in shown
    assert "--stage" in shown


def test_help_names_the_exit_codes() -> None:
    shown = CliRunner().invoke(app, ["--help"], terminal_width=160).output
    assert "Exit codes: 0 done" in shown
    assert "--install-completion" in shown


def test_the_shell_gets_its_completion() -> None:
    shown = CliRunner().invoke(app, [], prog_name="drugsync", env=COMPLETE).output
    assert {"report", "redrive", "start"} & set(shown.split()) == {"report", "redrive"}


COMPLETE = {
    "_DRUGSYNC_COMPLETE": "complete_bash",
    "COMP_WORDS": "drugsync re",
    "COMP_CWORD": "1",
}
