"""ReportRun: write the report of a run that came to its end."""

from workflow.contract.events.payloads import ReviewedTask
from workflow.contract.events.report import RunReport
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.run_store import RunStore
from workflow.contract.runs import RunFiles
from workflow.report.assemble import assemble, write_report
from workflow.report.summaries import read_summaries


def report_run(task: ReviewedTask, *, runs: RunStore, clock: Clock) -> RunReport:
    """Write `report.json` and the page. Twice is the same as once; nothing is published here."""
    files = RunFiles.of(runs, task.run.holder)
    pages = read_summaries(files)
    report = assemble(files, task.run, pages, status="SUCCEEDED", ended_at=clock())
    return write_report(files, report, pages)
