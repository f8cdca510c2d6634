"""What Step Functions answers of runs that moto cannot have: pages that failed, and redrives.

A stub answers as AWS's API reference says, and checks what is asked.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.stub import Stubber

from cli.commands.runs_pages import RunsPages
from cli.show.terminal import Out
from cli.sites.aws_site import AwsSite
from cli.sites.site import SiteError
from local.engine.definition import functions
from tests.integration.stage import ARN, COUNTS, DESCRIBED, EXECUTION, MAP_RUN, START, site_with

NIGHTLY = f"{EXECUTION}:nightly"
MAP = f"{ARN.replace(':stateMachine:', ':mapRun:')}/LoadPages:m1"
HERE = {"executionArn": NIGHTLY}
LISTED = {"mapRuns": [{**MAP_RUN, "executionArn": NIGHTLY, "mapRunArn": MAP}]}


def child(page: str, status: str, **more: Any) -> dict[str, Any]:
    """A child's execution has the page as its input; one that was ended has no cause."""
    found = {"executionArn": f"{EXECUTION}/LoadPages:{page}", "status": status, **more}
    return {**DESCRIBED, **found, "input": json.dumps({"page": {"page": page}})}


CHILDREN = {
    "FAILED": [
        child(
            "00002",
            "FAILED",
            error="TextMissing",
            cause=json.dumps({"errorMessage": "no record of text <t>"}),
        ),
        child("00005", "FAILED", error="Runtime.ExitError", cause="Runtime exited: signal: killed"),
    ],
    "TIMED_OUT": [child("00007", "TIMED_OUT", error="States.Timeout")],
    "ABORTED": [child("00008", "ABORTED")],
}


def answer_progress(stub: Stubber) -> None:
    counts = dict.fromkeys(COUNTS, 0)
    counts |= {"total": 8, "succeeded": 4, "failed": 2, "timedOut": 1, "aborted": 1}
    limits = {"maxConcurrency": 4, "toleratedFailurePercentage": 0.0, "toleratedFailureCount": 0}
    run = {
        **limits,
        **HERE,
        "mapRunArn": MAP,
        "startDate": START,
        "stopDate": START + timedelta(seconds=16),
        "itemCounts": counts,
        "executionCounts": counts,
        "status": "FAILED",
    }
    stub.add_response("describe_execution", DESCRIBED, HERE)
    stub.add_response("list_map_runs", LISTED, HERE)
    stub.add_response("describe_map_run", run, {"mapRunArn": MAP})


def answer_failure(stub: Stubber) -> None:
    entered = {"timestamp": START, "type": "MapStateEntered", "id": 9, "previousEventId": 8}
    events = [{**entered, "stateEnteredEventDetails": {"name": "LoadPages"}}]
    asked = {**HERE, "reverseOrder": True, "includeExecutionData": False}
    stub.add_response("describe_execution", DESCRIBED, HERE)
    stub.add_response("get_execution_history", {"events": events}, asked)
    stub.add_response("list_map_runs", LISTED, HERE)
    for status, found in CHILDREN.items():
        asked = {"mapRunArn": MAP, "statusFilter": status}
        stub.add_response("list_executions", {"executions": listed(found)}, asked)
        for one in found:
            stub.add_response("describe_execution", one, {"executionArn": one["executionArn"]})


def listed(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A list has neither error nor cause."""
    return [{key: one[key] for key in DESCRIBED} for one in found]


def test_a_failed_page_is_named_with_its_cause() -> None:
    site = site_with()
    with Stubber(site.sfn) as stub:
        answer_progress(stub)
        answer_failure(stub)
        view = site.view("nightly")
        stub.assert_no_pending_responses()
    assert (view.state, view.error) == ("LoadPages", "TextMissing")
    assert view.cause == "LoadPages, page 00002: no record of text <t>"
    loading = view.maps[0]
    assert (loading.done, loading.failed, loading.pending, loading.rate) == (4, 4, 0, 4 / 16)


def test_the_page_of_a_run_shows_each_failed_page_also_without_a_log() -> None:
    """A function that was killed or timed out wrote no line; Step Functions knows of it."""
    site = site_with()
    with Stubber(site.sfn) as stub:
        answer_progress(stub)
        answer_failure(stub)
        stub.add_response("describe_execution", DESCRIBED, HERE)
        answer_failure(stub)
        page = RunsPages(site).answer("/runs/nightly")
        stub.assert_no_pending_responses()
    assert page.status == 200
    failed = page.html.partition("Failed pages</h2>")[2].partition("</ul>")[0]
    assert failed.count("<li>") == 4
    assert "<b>LoadPages 00002</b> TextMissing: no record of text &lt;t&gt;" in failed
    assert "<b>LoadPages 00005</b> Runtime.ExitError: Runtime exited: signal: killed" in failed
    assert "<b>LoadPages 00007</b> States.Timeout" in failed
    assert "<b>LoadPages 00008</b> ended without an error" in failed


def test_a_run_is_waited_for_until_step_functions_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """DescribeExecution is eventually consistent, after a start as after a redrive."""
    waited: list[float] = []
    monkeypatch.setattr("cli.sites.aws_site.time.sleep", waited.append)
    site = site_with()
    with Stubber(site.sfn) as stub:
        stub.add_response("start_execution", {"executionArn": NIGHTLY, "startDate": START})
        for _ in range(2):
            stub.add_client_error("describe_execution", "ExecutionDoesNotExist", "not yet", 400)
        stub.add_response("describe_execution", {**DESCRIBED, "status": "RUNNING"}, HERE)
        site.run({"mode": "sync"}, Out())
        stub.assert_no_pending_responses()
    assert len(waited) == 2


def test_a_run_that_ended_well_cannot_be_redriven() -> None:
    site = site_with()
    stub_describe(site, "nightly", "NOT_REDRIVABLE", "Execution is SUCCEEDED")
    with pytest.raises(SiteError, match="cannot be redriven: Execution is SUCCEEDED"):
        site.redrive("nightly", Out())


def stub_describe(site: AwsSite, run_id: str, redrive: str, reason: str = "") -> Stubber:
    """moto knows nothing of redrives."""
    execution = f"{EXECUTION}:{run_id}"
    stub = Stubber(site.sfn)
    redrives = {"redriveStatus": redrive, "redriveStatusReason": reason}
    found = {**DESCRIBED, **redrives, "executionArn": execution, "name": run_id}
    stub.add_response("describe_execution", found, {"executionArn": execution})
    stub.activate()
    return stub


def test_a_failed_run_is_redriven() -> None:
    site = site_with()
    stub = stub_describe(site, "nightly", "REDRIVABLE")
    execution = f"{EXECUTION}:nightly"
    stub.add_response("redrive_execution", {"redriveDate": START}, {"executionArn": execution})
    stub.add_response("describe_execution", {**DESCRIBED, "redriveCount": 1})
    site.redrive("nightly", Out())
    stub.assert_no_pending_responses()


def test_logs_are_asked_of_each_functions_group() -> None:
    site = site_with()
    stub_describe(site, "nightly", "REDRIVABLE")
    assert site.outputs
    client = site.client("logs")
    stub = Stubber(client)
    at = "2026-11-01 02:00:0{},000+0000"
    said: dict[str, list[dict[str, Any]]] = {
        "DiffPage": [
            {"message": "step started", "page": "00001", "timestamp": at.format(1)},
            {
                "message": "step done",
                "page": "00001",
                "timestamp": at.format(3),
                "result": {"rows": 10},
            },
        ]
    }
    for name in functions():
        group = f"/aws/lambda/drug-catalog-sync-test-{name}"
        lines = [
            {"message": json.dumps({"function": group.rpartition("/")[2], **line})}
            for line in said.get(name, [])
        ]
        stub.add_response(
            "filter_log_events",
            {"events": lines},
            {
                "logGroupName": group,
                "filterPattern": '{ $.run_id = "nightly" }',
                "startTime": int(START.timestamp() * 1000),
            },
        )
    stub.activate()
    site.client = lambda *_, **__: client  # type: ignore[method-assign]
    (line,) = site.logs("nightly", "00001")
    assert (line.function, line.page, line.ms, line.counts) == (
        *("DiffPage", "00001", 2000),
        {"rows": 10},
    )
    stub.assert_no_pending_responses()
