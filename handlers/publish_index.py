"""State PublishIndex."""

from handlers.clock import now
from handlers.entry import count_report, handles
from handlers.wiring import wiring
from workflow.contract.events.payloads import ReviewedTask
from workflow.contract.events.report import RunReport
from workflow.steps.publish_index import publish_index


@handles(ReviewedTask)
def handler(task: ReviewedTask) -> RunReport:
    w = wiring()
    report = publish_index(task, index=w.index, runs=w.runs, clock=now)
    count_report(report)
    return report
