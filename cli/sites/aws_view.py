"""What Step Functions says of an execution, as a RunView."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from cli.documents import MapProgress, RunView
from local.engine.definition import maps
from local.engine.runs import input_as_far_as_right
from workflow.adapters.stepfunctions.history import StepFunctionsHistory
from workflow.contract.events.payloads import Run
from workflow.operate.failure import find_failure

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Failure(NamedTuple):
    """Where an execution stands or failed, and why."""

    state: str
    error: str | None = None
    cause: str | None = None


def execution_view(found: Any, progress: tuple[MapProgress, ...], failure: Failure) -> RunView:
    """`found` is DescribeExecution's answer."""
    given = json.loads(found.get("input") or "{}")
    return RunView(
        run_id=found["name"],
        status=found["status"],
        mode=input_as_far_as_right(given).mode,
        started_at=found["startDate"],
        ended_at=found.get("stopDate"),
        state=failure.state,
        maps=progress,
        error=failure.error,
        cause=failure.cause,
    )


def accepted_run(sfn: "SFNClient", execution: str) -> Run | None:
    """AcceptRun's answer, from the first events of the history. A redrive only adds to them."""
    pages = sfn.get_paginator("get_execution_history").paginate(executionArn=execution)
    for page in pages:
        for event in page["events"]:
            left = event.get("stateExitedEventDetails")
            if left:
                return Run.model_validate(json.loads(left["output"])["run"])
    return None


def map_progress(sfn: "SFNClient", execution: str) -> tuple[MapProgress, ...]:
    """Every distributed Map that has begun, in the machine's order."""
    pages = sfn.get_paginator("list_map_runs").paginate(executionArn=execution)
    arns = [one["mapRunArn"] for page in pages for one in page["mapRuns"]]
    found = [_progress(arn, sfn.describe_map_run(mapRunArn=arn)) for arn in arns]
    return tuple(sorted(found, key=lambda one: _place(one.state)))


def _progress(arn: str, found: Any) -> MapProgress:
    counts = found["itemCounts"]
    end = found.get("stopDate") or datetime.now(UTC)
    return MapProgress(
        state=label_of(arn),
        total=counts["total"],
        done=counts["succeeded"],
        failed=counts["failed"] + counts["timedOut"] + counts["aborted"],
        running=counts["running"],
        seconds=(end - found["startDate"]).total_seconds(),
        ended=found["status"] != "RUNNING",
        redriven=bool(found.get("redriveCount")),
    )


def label_of(map_run_arn: str) -> str:
    """`...:mapRun:NAME/LABEL:ID`: the label is the state's name."""
    return map_run_arn.rpartition(":")[0].rpartition("/")[2]


def _place(state: str) -> int:
    names = [one.name for one in maps()]
    return names.index(state) if state in names else len(names)


def failure_of(sfn: "SFNClient", execution: str, status: str) -> Failure:
    """The state that it is in. If it failed, also error and cause, of the failed page if there is
    one."""
    if status == "SUCCEEDED":
        return Failure("")
    history = StepFunctionsHistory(sfn)
    if status in ("RUNNING", "PENDING_REDRIVE"):
        return Failure(history.last_state(execution) or "")
    found = find_failure(execution, history)
    page = f", page {found.pages[0].page}" if found.pages else ""
    cause = found.cause or "no cause was given"
    return Failure(found.state or "", found.error, f"{found.state}{page}: {cause}")
