"""The workflow on AWS: one stage, found by the outputs of its CloudFormation stack."""

import json
import os
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config

from cli.documents import LogLine, RunView, Started
from cli.show.terminal import Out
from cli.sites.aws_errors import explained
from cli.sites.aws_functions import TIMEOUT_S, call
from cli.sites.aws_quota import room_for_a_run
from cli.sites.aws_search import SMOKE, Asked, answered, closed, found_by, search_event
from cli.sites.aws_view import accepted_run, execution_view, failure_of, map_progress
from cli.sites.log_lines import read_lines
from cli.sites.site import (
    Action,
    SiteError,
    ended_report,
    no_run,
    not_redriven,
    readable_report,
)
from local.engine.definition import functions
from local.engine.runs import input_as_far_as_right, run_id_of
from local.places import own_only, private
from workflow.adapters.s3.run_store import S3RunStore
from workflow.contract.events.payloads import Run, RunInput
from workflow.contract.events.report import RunReport
from workflow.contract.runs import RunFiles
from workflow.contract.sizes import Widest
from workflow.operate.doctor import Finding
from workflow.operate.operate import OperatorAnswer
from workflow.report.page import render
from workflow.report.timeline import read_timeline
from workflow.search.shown import DrugsFound
from workflow.steps.accept_run import parse_input

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

PREFIX = "drug-catalog-sync"
STACK = PREFIX + "-{}-workflow"
MACHINE, BUCKET, OPERATOR = "StateMachineArn", "RunBucket", "OperatorFunction"
CONNECT_S = 2
FIRST: dict[str, Any] = {"read_timeout": 4, "retries": {"total_max_attempts": 1}}
"""Of the first call to AWS: a person without a network, or with a wrong region, hears of it."""

SEARCH, SEARCH_URL = "SearchFunction", "SearchUrl"


class AwsSite:
    """One stage in one account and region."""

    def __init__(self, stage: str, session: "Session") -> None:
        self.stage = stage
        self._session = session
        self.options = f" --stage {stage}"

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The workflow stack's outputs. Raises SiteError if there is no such stack."""
        name = STACK.format(self.stage)
        hint = (
            f"there is no stack {name} in {self._session.region_name}; deploy it with "
            f"'make deploy STAGE={self.stage}', or name another --stage, --profile or --region"
        )
        with explained({"ValidationError": hint}):
            client = self._client("cloudformation", **FIRST)
            found = client.describe_stacks(StackName=name)["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}

    def output(self, name: str) -> str:
        if name not in self.outputs:
            raise SiteError(
                f"stack {STACK.format(self.stage)} has no output {name}; it was deployed by "
                f"another version; run 'make deploy STAGE={self.stage}'"
            )
        return self.outputs[name]

    @cached_property
    def _sfn(self) -> "SFNClient":
        return cast("SFNClient", self._client("stepfunctions"))

    def _client(self, service: Any, **options: Any) -> Any:
        with explained():
            config = Config(**{"connect_timeout": CONNECT_S} | options)
            return self._session.client(service, config=config)

    def run(self, run_input: dict[str, Any], out: Out) -> Started:
        """It continues by itself."""
        run_id = run_id_of(parse_input(run_input).mode)
        with explained():
            self._sfn.start_execution(
                stateMachineArn=self.output(MACHINE), name=run_id, input=json.dumps(run_input)
            )
        return Started(run_id=run_id, stage=self.stage)

    def runs(self, limit: int) -> list[RunView]:
        with explained():
            found = self._sfn.list_executions(
                stateMachineArn=self.output(MACHINE), maxResults=limit
            )["executions"]
        return [
            RunView(
                run_id=one["name"],
                status=one["status"],
                mode="",
                started_at=one["startDate"],
                ended_at=one.get("stopDate"),
            )
            for one in found
        ]

    def history(self, limit: int) -> list[tuple[RunView, RunReport | None]]:
        """One that AcceptRun refused left no report."""
        views = [(view, self.accepted(view.run_id)) for view in self.runs(limit)]
        return [
            (view, readable_report(RunFiles.of(self.store, run.holder), view) if run else None)
            for view, run in views
        ]

    def view(self, run_id: str | None) -> RunView:
        execution, found = self._describe(run_id)
        with explained():
            maps = map_progress(self._sfn, execution)
            failure = failure_of(self._sfn, execution, found["status"])
        return execution_view(found, maps, failure)

    def _describe(self, run_id: str | None) -> tuple[str, Any]:
        """The execution's ARN, and what DescribeExecution says."""
        if run_id is None:
            newest = self.runs(1)
            if not newest:
                raise SiteError(f"no run yet; start one with: drugsync run{self.options}")
            run_id = newest[0].run_id
        machine = self.output(MACHINE)
        execution = f"{machine.replace(':stateMachine:', ':execution:', 1)}:{run_id}"
        hint = no_run(run_id, self.options)
        with explained({"ExecutionDoesNotExist": hint, "InvalidArn": hint}):
            return execution, self._sfn.describe_execution(executionArn=execution)

    def redrive(self, run_id: str, out: Out) -> Started:
        execution, found = self._describe(run_id)
        if found.get("redriveStatus", "REDRIVABLE") != "REDRIVABLE":
            reason = found.get("redriveStatusReason") or f"it is {found['status']}"
            raise SiteError(not_redriven(run_id, reason, self.options))
        with explained():
            self._sfn.redrive_execution(executionArn=execution)
        return Started(run_id=run_id, stage=self.stage)

    @cached_property
    def store(self) -> S3RunStore:
        client = cast("S3Client", self._client("s3"))
        return S3RunStore(client, self.output(BUCKET))

    def report(self, run_id: str | None) -> tuple[RunReport, Path]:
        view = self.view(run_id)
        run = self._run(view)
        files = RunFiles.of(self.store, run.holder)
        report = ended_report(files, view, run)
        return report, self._page(files, report, view.run_id)

    def input_of(self, run_id: str) -> RunInput:
        _, found = self._describe(run_id)
        return input_as_far_as_right(json.loads(found["input"]))

    def accepted(self, run_id: str) -> Run | None:
        execution, _ = self._describe(run_id)
        with explained():
            return accepted_run(self._sfn, execution)

    def _run(self, view: RunView) -> Run:
        """As AcceptRun answered it. If it refused the run, no file that is there is the run's."""
        return self.accepted(view.run_id) or Run(
            run_id=view.run_id,
            started_at=view.started_at,
            settings_digest="",
            input=self.input_of(view.run_id),
            key=token_hex(16),
        )

    def note(self, report: RunReport) -> str:
        """The report has AWS's own estimate."""
        return ""

    def _page(self, files: RunFiles, report: RunReport, run_id: str) -> Path:
        """The page is made here from the data: one from the bucket would run on the operator's
        machine.

        Its name is the one that was asked for, never one from a file of the bucket.
        """
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        path = cache / "drug-catalog-sync" / self.stage / f"{run_id}.html"
        private(path.parent)
        with open(path, "w", encoding="utf-8", opener=own_only) as file:
            file.write(render(report, read_timeline(files, report)))
        return path

    def logs(self, run_id: str | None, page: str | None) -> list[LogLine]:
        """CloudWatch keeps a log group for each function; those of the states are asked in turn."""
        _, found = self._describe(run_id)
        pattern = f'{{ $.run_id = "{found["name"]}" }}'
        since = int(found["startDate"].timestamp() * 1000)
        pages = self._client("logs").get_paginator("filter_log_events")
        lines: list[dict[str, Any]] = []
        for name in functions():
            group = f"/aws/lambda/{PREFIX}-{self.stage}-{name}"
            hint = f"there is no log group {group}; another version deployed this stage"
            with explained({"ResourceNotFoundException": hint}):
                for one in pages.paginate(
                    logGroupName=group, filterPattern=pattern, startTime=since
                ):
                    lines += [json.loads(event["message"]) for event in one["events"]]
        lines.sort(key=lambda line: str(line["timestamp"]))
        return list(read_lines(lines, page))

    def operate(self, action: Action, **more: Any) -> OperatorAnswer:
        return self._operate(action, **more)

    def _operate(self, action: str, **more: Any) -> OperatorAnswer:
        """Ask the function inside the VPC."""
        payload = {"action": action, "run_id": run_id_of(action), **more}
        return OperatorAnswer.model_validate(self._call(OPERATOR, payload))

    def search(self, asked: Asked) -> DrugsFound:
        """What the stage's own search function answers. Raises SiteError with its problem."""
        return found_by(self._call(SEARCH, search_event(asked)))

    def _call(self, output: str, payload: dict[str, Any]) -> Any:
        once = {"total_max_attempts": 1}
        client = self._client("lambda", read_timeout=TIMEOUT_S, retries=once)
        return call(client, self.output(output), payload)

    def doctor(self) -> list[Finding]:
        """Checks from the outside in: account, stack, machine, runs; then what the function
        finds."""
        found = []
        for check, look in (
            ("credentials", self._account),
            ("workflow stack", lambda: f"{len(self.outputs)} outputs: {', '.join(self.outputs)}"),
            ("state machine", self._machine),
            ("newest run", self._newest),
        ):
            one = _look(check, look)
            found.append(one)
            if not one.ok and check in ("credentials", "workflow stack"):
                return found
        try:
            answer = self._operate("doctor")
        except SiteError as error:
            found.append(Finding(check="operator function", ok=False, found=str(error)))
        else:
            found += [*answer.findings, *self._room(answer.widest)]
        return [*found, *self._searches()]

    def _room(self, widest: Widest | None) -> list[Finding]:
        """None where another version's function answered."""
        if widest is None:
            return []
        client, searched = self._client("lambda"), SEARCH in self.outputs
        return [
            _look("Lambda's quota", lambda: room_for_a_run(client, widest, searched=searched)),
        ]

    def _searches(self) -> list[Finding]:
        """None where the stage has no search API."""
        if SEARCH_URL not in self.outputs:
            return []
        return [
            _look("search", lambda: answered(self.search({"q": SMOKE}))),
            _look("search address", lambda: closed(self.output(SEARCH_URL))),
        ]

    def _account(self) -> str:
        with explained():
            caller = self._client("sts", **FIRST).get_caller_identity()
        return f"{caller['Arn']} in {self._session.region_name}"

    def _machine(self) -> str:
        with explained():
            found = self._sfn.describe_state_machine(stateMachineArn=self.output(MACHINE))
        return f"{found['name']} is {found.get('status', 'ACTIVE')}"

    def _newest(self) -> str:
        newest = self.runs(1)
        if not newest:
            return f"none yet; start one with: drugsync run{self.options}"
        view = newest[0]
        if view.status in ("FAILED", "TIMED_OUT", "ABORTED"):
            raise SiteError(
                f"{view.run_id} is {view.status}; see why: drugsync status {view.run_id}"
                f"{self.options}"
            )
        return f"{view.run_id}: {view.status}, started {view.started_at:%Y-%m-%d %H:%M} UTC"


def _look(check: str, look: Any) -> Finding:
    try:
        return Finding(check=check, ok=True, found=look())
    except SiteError as error:
        found, _, advice = str(error).partition("; ")
        return Finding(check=check, ok=False, found=found, advice=advice)
