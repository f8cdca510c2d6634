"""The run report, assembled from the files that a run left, however far it came."""

from collections.abc import Sequence
from datetime import datetime

from workflow import __version__
from workflow.contract.events.base import RunStatus
from workflow.contract.events.files import Baseline, Review, Switched, Verification, VerifiedPage
from workflow.contract.events.payloads import Plan, Run
from workflow.contract.events.report import RunReport
from workflow.contract.runs import (
    BASELINE,
    PLAN,
    PUBLISH,
    REPORT,
    REPORT_PAGE,
    REVIEW,
    VERIFICATION,
    RunFiles,
)
from workflow.report.page import render
from workflow.report.summaries import Summaries
from workflow.report.timeline import read_timeline

SHOWN = 500
"""Keys of one kind in a report."""


def assemble(
    files: RunFiles,
    run: Run,
    pages: Summaries,
    *,
    status: RunStatus,
    ended_at: datetime,
    error: str | None = None,
    cause: str | None = None,
) -> RunReport:
    """Until the switch, counts of changes are the plan's; afterwards without what the switch left
    out."""
    verified = pages.verified
    verification = files.read_if_there(VERIFICATION, Verification)
    switched = files.read_if_there(PUBLISH, Switched)
    checks = (verification.checks if verification else ()) + (switched.checks if switched else ())
    return RunReport(
        run_id=run.run_id,
        version=__version__,
        mode=run.input.mode,
        dry_run=run.input.dry_run,
        status=status,
        started_at=run.started_at,
        duration_s=_seconds(run.started_at, ended_at),
        verification=checks,
        bad_keys=verification.bad_keys if verification else (),
        published=_published(switched),
        drifted=tuple(key for page in verified for key in page.drifted)[:SHOWN],
        kept=_kept(verified, switched)[:SHOWN],
        refused_drugs=tuple(key for page in verified for key in page.refused)[:SHOWN],
        error=error,
        cause=cause,
        **_planned(files),
        **_reviewed(files),
        **_embedded(pages),
    )


def _kept(verified: Sequence[VerifiedPage], switched: Switched | None) -> tuple[str, ...]:
    """Keys that were not removed, as VerifyPage and the switch found them."""
    pages = tuple(key for page in verified for key in page.kept)
    return pages + (switched.kept if switched else ())


def _published(switched: Switched | None) -> bool | None:
    """None if a function ended after the switch and before it could record it."""
    if switched is None or switched.taken_back or switched.lost:
        return False
    return True if switched.done else None


def ended(report: RunReport, ended_at: datetime) -> RunReport:
    """The same report, for a run that continued until now."""
    return report.model_copy(update={"duration_s": _seconds(report.started_at, ended_at)})


def write_report(files: RunFiles, report: RunReport, pages: Summaries) -> RunReport:
    """Write `report.json` and, next to it, the page that people open."""
    files.write(REPORT, report)
    files.write_text(REPORT_PAGE, render(report, read_timeline(files, report, pages)))
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


def _reviewed(files: RunFiles) -> dict[str, object]:
    review = files.read_if_there(REVIEW, Review)
    if review is None:
        return {}
    return {
        "catalog_rows": review.rows + review.rejected,
        "rejected": review.rejected,
        "rejected_rows": review.rejected_rows,
        "added": review.added,
        "changed": review.changed,
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


def _embedded(pages: Summaries) -> dict[str, object]:
    embedded = sum(page.embedded for page in pages.embedded)
    upserted = sum(page.upserted for page in pages.loaded)
    return {
        "texts_embedded": embedded,
        "texts_refused": sum(len(page.rejected) for page in pages.embedded),
        "refused_texts": tuple(text for page in pages.embedded for text in page.rejected)[:SHOWN],
        "texts_reused": max(0, upserted - embedded),
        "tokens": sum(page.tokens for page in pages.embedded),
    }
