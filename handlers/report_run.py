"""State ReportRun."""

from handlers.clock import now
from handlers.entry import handles
from handlers.telemetry import count_report
from handlers.wiring import wiring
from workflow.contract.events.payloads import ReviewedTask
from workflow.contract.events.report import RunReport
from workflow.steps.report_run import report_run


@handles(ReviewedTask)
def handler(task: ReviewedTask) -> RunReport:
    w = wiring()
    report = report_run(task, runs=w.runs, clock=now)
    count_report(report)
    return report
