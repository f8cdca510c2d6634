"""The run report, assembled from the files that a run left, however far it came."""

from datetime import datetime

from workflow import __version__
from workflow.contract.events.base import RunStatus
from workflow.contract.events.files import (
    Baseline,
    PageEmbedded,
    PageLoaded,
    RejectedRow,
    Review,
    Verification,
)
from workflow.contract.events.payloads import Plan, Run
from workflow.contract.events.report import RunReport
from workflow.contract.runs import (
    BASELINE,
    EMBED_SUMMARY,
    LOAD_SUMMARY,
    PLAN,
    REPORT,
    REPORT_PAGE,
    REVIEW,
    VERIFICATION,
    RunFiles,
)
from workflow.report.page import render
from workflow.report.timeline import read_timeline

REJECTED_SHOWN = 500
"""Rejected rows in a report; their number is exact."""


def assemble(
    files: RunFiles,
    run: Run,
    *,
    status: RunStatus,
    ended_at: datetime,
    published: bool = False,
    error: str | None = None,
    cause: str | None = None,
) -> RunReport:
    """Counts of changes are the plan's until documents were loaded, less the rejected ones."""
    loaded = files.read_pages_there(LOAD_SUMMARY, PageLoaded)
    rejected = [row for page in loaded for row in page.rejected]
    verification = files.read_if_there(VERIFICATION, Verification)
    return RunReport(
        run_id=run.run_id,
        version=__version__,
        mode=run.input.mode,
        dry_run=run.input.dry_run,
        status=status,
        started_at=run.started_at,
        duration_s=_seconds(run.started_at, ended_at),
        rejected=len(rejected),
        rejected_rows=tuple(rejected[:REJECTED_SHOWN]),
        verification=verification.checks if verification else (),
        published=published,
        error=error,
        cause=cause,
        **_planned(files),
        **_reviewed(files, rejected),
        **_embedded(files, sum(page.upserted for page in loaded)),
    )


def ended(report: RunReport, ended_at: datetime) -> RunReport:
    """The same report of a run that went on until now."""
    return report.model_copy(update={"duration_s": _seconds(report.started_at, ended_at)})


def write_report(files: RunFiles, report: RunReport) -> RunReport:
    """Write `report.json` and, beside it, the page that people open."""
    files.write(REPORT, report)
    files.write_text(REPORT_PAGE, render(report, read_timeline(files, report)))
    return report


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 3)


def _planned(files: RunFiles) -> dict[str, object]:
    plan = files.read_if_there(PLAN, Plan)
    if plan is None:
        return {}
    baseline = files.read_if_there(BASELINE, Baseline)
    return {
        "generation": plan.generation,
        "space": plan.space,
        "pages": plan.pages,
        "last": baseline.last if baseline else None,
    }


def _reviewed(files: RunFiles, rejected: list[RejectedRow]) -> dict[str, object]:
    review = files.read_if_there(REVIEW, Review)
    if review is None:
        return {}
    new = sum(row.new for row in rejected)
    return {
        "catalog_rows": review.rows,
        "added": review.added - new,
        "changed": review.changed - (len(rejected) - new),
        "removed": review.removed,
        "unchanged": review.unchanged,
        "texts_to_embed": review.estimate.texts,
        "estimated_tokens": review.estimate.tokens,
        "estimated_usd": review.estimate.usd,
        "estimated_aws_usd": review.estimate.aws_usd,
        "estimated_minutes": review.estimate.minutes,
        "guards": review.guards,
        "warnings": review.warnings,
        "samples": review.samples,
    }


def _embedded(files: RunFiles, upserted: int) -> dict[str, object]:
    pages = files.read_pages_there(EMBED_SUMMARY, PageEmbedded)
    embedded = sum(page.embedded for page in pages)
    return {
        "texts_embedded": embedded,
        "texts_reused": max(0, upserted - embedded),
        "tokens": sum(page.tokens for page in pages),
    }
