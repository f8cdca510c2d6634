"""The operators' verbs against AWS's interfaces: moto executes the machine, stubs do the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cli.show.terminal import Out
from cli.sites.aws_site import AwsSite
from cli.sites.site import SiteError
from local.engine.engine import REGION, Engine
from local.engine.functions import handler_of
from local.servers.stack import BUCKET
from tests.integration.stage import ARN, EXECUTION, Session, site_with
from tests.lab import Failing, Lab
from workflow.adapters.stepfunctions.history import StepFunctionsHistory
from workflow.contract.errors import (
    CatalogUnavailable,
    InvalidInput,
    RunFileCorrupt,
    TextMissing,
)

FAST = {"page_size": 10}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@contextmanager
def deployed(lab: Lab, *arguments: Any) -> Iterator[tuple[Engine, AwsSite]]:
    with lab.machine(*arguments) as machine:
        yield machine, site_with()


def finish(machine: Engine, run_id: str) -> None:
    machine.wait(f"{EXECUTION}:{run_id}")


def test_a_started_run_is_found_watched_and_reported(lab: Lab, cache: Path) -> None:
    with deployed(lab) as (machine, site):
        run_id = site.run({"mode": "sync", **FAST}, Out()).run_id
        finish(machine, run_id)
        view = site.view(None)
        report, page = site.report(run_id)
        listed = site.runs(5)
    assert (view.run_id, view.status, view.mode) == (run_id, "SUCCEEDED", "sync")
    assert [(one.state, one.done, one.total) for one in view.maps] == [
        ("DiffPages", 4, 4),
        ("EmbedPages", 2, 2),
        ("LoadPages", 4, 4),
        ("VerifyPages", 4, 4),
    ]
    assert all(one.ended and one.pending == 0 for one in view.maps)
    assert [one.run_id for one in listed] == [run_id]
    assert report.published
    assert page.is_relative_to(cache)
    assert "Verified and published" in page.read_text()


def test_a_wrong_input_starts_no_run(lab: Lab) -> None:
    with deployed(lab) as (_, site):
        with pytest.raises(InvalidInput, match="page_size = 0"):
            site.run({"page_size": 0}, Out())
        assert site.runs(5) == []


def test_a_page_in_the_bucket_is_never_opened_and_its_names_never_paths(
    lab: Lab, cache: Path
) -> None:
    with deployed(lab) as (machine, site):
        run_id = site.run(FAST, Out()).run_id
        finish(machine, run_id)
        prefix = f"runs/{run_id}/"
        machine.s3.put_object(
            Bucket=BUCKET, Key=f"{prefix}report.html", Body=b"<script>owned</script>"
        )
        _, page = site.report(run_id)
        assert "owned" not in page.read_text()
        forge(machine, f"{prefix}report.json", run_id="../../../owned")
        with pytest.raises(RunFileCorrupt, match="its seal does not match"):
            site.report(run_id)
    assert [path.name for path in cache.rglob("*.html")] == [f"{run_id}.html"]


def forge(machine: Engine, key: str, **fields: Any) -> None:
    """Who can write into the bucket, and does not know the run's key."""
    found = json.loads(machine.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    machine.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(found | fields).encode())


@pytest.mark.parametrize("name", ["report.json", "verify/00001.json", "review.json"])
def test_a_file_that_the_run_did_not_write_is_not_reported(
    lab: Lab, cache: Path, name: str
) -> None:
    with deployed(lab) as (machine, site):
        run_id = site.run(FAST, Out()).run_id
        finish(machine, run_id)
        forge(machine, f"runs/{run_id}/{name}", added=7, rows=7)
        with pytest.raises(RunFileCorrupt, match=f"{name} is not a .* its seal does not match"):
            site.report(run_id)
        [(view, listed)] = site.history(5)
    assert view.run_id == run_id
    assert (listed is None) == (name == "report.json")


def test_changes_that_the_run_did_not_plan_are_not_shown(lab: Lab) -> None:
    with deployed(lab) as (machine, site):
        run_id = site.run({"dry_run": True, **FAST}, Out()).run_id
        finish(machine, run_id)
        run = site.accepted(run_id)
        assert run
        asked = {"of_run": run.model_dump(mode="json")}
        assert len(site.operate("changes", **asked).changes) == 40
        key = f"runs/{run_id}/load.json"
        pages = json.loads(machine.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        machine.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(pages[1:]).encode())
        with pytest.raises(SiteError, match=r"RunFileCorrupt: .* has 3 items"):
            site.operate("changes", **asked)
        pages[0]["upserts"] = 0
        machine.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(pages).encode())
        with pytest.raises(SiteError, match=r"RunFileCorrupt: .*load\.json, page '00000'"):
            site.operate("changes", **asked)


def test_a_run_that_was_refused_has_no_file_of_its_own(lab: Lab, cache: Path) -> None:
    """Whatever is there under its name."""
    with deployed(lab) as (machine, site):
        with pytest.raises(InvalidInput):
            site.run({"page_size": 0}, Out())
        execution = machine.start({"page_size": 0}, "refused")
        machine.wait(execution)
        assert site.accepted("refused") is None
        machine.s3.put_object(
            Bucket=BUCKET, Key="runs/refused/report.json", Body=b'{"file": {"seal": "0"}}'
        )
        with pytest.raises(RunFileCorrupt):
            site.report("refused")
        assert [listed for _, listed in site.history(5)] == [None]


def test_a_failed_run_has_a_report_of_what_it_left(
    lab: Lab, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # moto does not list the children of a Map run.
    monkeypatch.setattr(StepFunctionsHistory, "_children", lambda *_: iter(()))
    broken = Failing("LoadPage", TextMissing("no record of text t; start a new run"), page="00002")
    with deployed(lab, broken) as (machine, site):
        run_id = site.run(FAST, Out()).run_id
        finish(machine, run_id)
        view = site.view(run_id)
        report, page = site.report(run_id)
    assert (view.status, view.state) == ("FAILED", "LoadPages")
    assert (view.maps[-1].failed, view.maps[-1].done) == (1, 3)
    assert (report.status, report.published, report.catalog_rows) == ("FAILED", False, 40)
    assert "nothing was published" in page.read_text()


def test_a_failed_step_is_named_with_its_cause(lab: Lab) -> None:
    lab.catalog.clear()
    with deployed(lab) as (machine, site):
        run_id = site.run(FAST, Out()).run_id
        finish(machine, run_id)
        view = site.view(run_id)
    assert (view.state, view.error) == ("PlanPages", "CatalogEmpty")
    assert view.cause is not None
    assert view.cause.startswith(f"PlanPages: run {run_id}: the catalog has no row")


def test_a_run_that_is_not_there_is_named(lab: Lab) -> None:
    with deployed(lab) as (_, site), pytest.raises(SiteError, match="there is no run nightly"):
        site.view("nightly")


def test_before_the_first_run_the_command_to_start_one_is_named(lab: Lab) -> None:
    with deployed(lab) as (_, site), pytest.raises(SiteError, match="drugsync run --stage test"):
        site.view(None)


def test_a_verification_is_an_execution_of_the_state_machine(synced: Lab) -> None:
    with deployed(synced) as (machine, site):
        run_id = site.run({"mode": "verify"}, Out()).run_id
        finish(machine, run_id)
        report, _ = site.report(run_id)
    assert "-verify-" in run_id
    assert (report.mode, report.dry_run, report.status) == ("verify", True, "SUCCEEDED")
    assert report.outcome == "the index matches the catalog"
    assert all(one.passed for one in report.verification)


def test_rollback_and_doctor_are_asked_of_the_function_in_the_vpc(synced: Lab) -> None:
    first = synced.index.live()[0]
    second = synced.succeed("backfill", run_id="second").generation
    with deployed(synced) as (_, site):
        assert callable(handler_of("OperateIndex"))
        back = site.operate("rollback").rolled_back
        findings = site.doctor()
    assert back is not None
    assert (back.generation, back.before, back.settings_fit) == (first, second, True)
    assert [one.check for one in findings if not one.ok] == []
    assert {"credentials", "state machine", "live index", "run bucket"} <= {
        one.check for one in findings
    }


def test_what_the_function_raises_is_said_by_its_name(lab: Lab) -> None:
    with (
        deployed(lab, Failing("OperateIndex", CatalogUnavailable("MySQL did not answer"))) as (
            _,
            site,
        ),
        pytest.raises(SiteError, match="CatalogUnavailable: MySQL did not answer"),
    ):
        site.operate("rollback")


def test_a_deployment_without_the_function_says_what_to_deploy(lab: Lab) -> None:
    with lab.machine():
        site = site_with({"StateMachineArn": ARN, "RunBucket": BUCKET})
        with pytest.raises(SiteError, match=r"no output OperatorFunction.*make deploy STAGE=test"):
            site.operate("rollback")
        assert [one.check for one in site.doctor() if not one.ok] == ["operator function"]


def test_a_stage_that_is_not_deployed_is_named() -> None:
    client = boto3.client("cloudformation", region_name=REGION)
    stub = Stubber(client)
    stub.add_client_error("describe_stacks", "ValidationError", "Stack does not exist", 400)
    stub.activate()
    session = Session()
    session.client = lambda *_, **__: client  # type: ignore[method-assign]
    site = AwsSite("qa", session)  # type: ignore[arg-type]
    with pytest.raises(SiteError, match=r"no stack drug-catalog-sync-qa-workflow.*STAGE=qa"):
        _ = site.outputs
