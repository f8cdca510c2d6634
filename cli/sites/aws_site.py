"""The workflow on AWS: the runs of one stage."""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

from cli.documents import LogLine, RunView, Started
from cli.show.terminal import Out
from cli.sites.aws_doctor import examine
from cli.sites.aws_errors import explained
from cli.sites.aws_stage import MACHINE, PREFIX, AwsStage
from cli.sites.aws_view import accepted_run, execution_view, failure_of, map_progress
from cli.sites.log_lines import read_lines
from cli.sites.site import (
    Action,
    FailedPages,
    SiteError,
    ended_report,
    no_run,
    not_redriven,
    readable_report,
)
from local.engine.definition import functions
from local.engine.runs import input_as_far_as_right, run_id_of
from local.places import own_only, private
from workflow.adapters.stepfunctions.history import StepFunctionsHistory
from workflow.contract.events.payloads import Run, RunInput
from workflow.contract.events.report import RunReport
from workflow.contract.runs import RunFiles
from workflow.operate.doctor import Finding
from workflow.operate.failure import find_failure
from workflow.operate.operate import OperatorAnswer
from workflow.report.page import render
from workflow.report.summaries import read_summaries
from workflow.report.timeline import read_timeline
from workflow.steps.accept_run import parse_input

SEEN_TRIES, SEEN_EVERY_S = 15, 1.0
"""DescribeExecution is eventually consistent: right after a start it may know of no execution, and
right after a redrive it may still say FAILED.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
"""


class AwsSite(AwsStage):
    """The verbs of one stage."""

    def run(self, run_input: dict[str, Any], out: Out) -> Started:
        """It continues by itself."""
        run_id = run_id_of(parse_input(run_input).mode)
        with explained():
            started = self.sfn.start_execution(
                stateMachineArn=self.output(MACHINE), name=run_id, input=json.dumps(run_input)
            )
            self._await(started["executionArn"], lambda _: True)
        return Started(run_id=run_id, stage=self.stage)

    def runs(self, limit: int) -> list[RunView]:
        with explained():
            found = self.sfn.list_executions(
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
            maps = map_progress(self.sfn, execution)
            failure = failure_of(self.sfn, execution, found["status"])
        return execution_view(found, maps, failure)

    def failed_pages(self, view: RunView) -> FailedPages:
        """As Step Functions knows them: a function that died or was ended left no line in a log."""
        execution, _ = self._describe(view.run_id)
        failure = find_failure(execution, StepFunctionsHistory(self.sfn))
        return FailedPages(failure.pages, failure.more_pages)

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
            return execution, self.sfn.describe_execution(executionArn=execution)

    def redrive(self, run_id: str, out: Out) -> Started:
        execution, found = self._describe(run_id)
        if found.get("redriveStatus", "REDRIVABLE") != "REDRIVABLE":
            reason = found.get("redriveStatusReason") or f"it is {found['status']}"
            raise SiteError(not_redriven(run_id, reason, self.options))
        refused = not_redriven(run_id, "{message}", self.options)
        with explained({"ExecutionNotRedrivable": refused}):
            self.sfn.redrive_execution(executionArn=execution)
        before = found.get("redriveCount", 0)
        with explained():
            self._await(execution, lambda now: now.get("redriveCount", 0) > before)
        return Started(run_id=run_id, stage=self.stage)

    def _await(self, execution: str, begun: Callable[[Any], bool]) -> None:
        """Whoever watches a run next must neither miss it nor take its old end for the new one."""
        for _ in range(SEEN_TRIES):
            with suppress(self.sfn.exceptions.ExecutionDoesNotExist):
                if begun(self.sfn.describe_execution(executionArn=execution)):
                    return
            time.sleep(SEEN_EVERY_S)

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
            return accepted_run(self.sfn, execution)

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
            timeline = read_timeline(files, report, read_summaries(files))
            file.write(render(report, timeline))
        return path

    def logs(self, run_id: str | None, page: str | None) -> list[LogLine]:
        """CloudWatch keeps a log group for each function; those of the states are asked in turn."""
        _, found = self._describe(run_id)
        pattern = f'{{ $.run_id = "{found["name"]}" }}'
        since = int(found["startDate"].timestamp() * 1000)
        pages = self.client("logs").get_paginator("filter_log_events")
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
        return self.ask(action, **more)

    def doctor(self) -> list[Finding]:
        return examine(self, self.runs)
