"""The run report, assembled from the files that a run left, however far it came."""

from datetime import datetime

from workflow.events import (
    PageEmbedded,
    PageLoaded,
    Plan,
    RejectedRow,
    Review,
    Run,
    RunReport,
    RunStatus,
    Verification,
)
from workflow.runs import EMBED_SUMMARY, LOAD_SUMMARY, PLAN, REVIEW, VERIFICATION, RunFiles

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
        mode=run.input.mode,
        dry_run=run.input.dry_run,
        status=status,
        started_at=run.started_at,
        duration_s=round((ended_at - run.started_at).total_seconds(), 3),
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


def _planned(files: RunFiles) -> dict[str, object]:
    plan = files.read_if_there(PLAN, Plan)
    if plan is None:
        return {}
    return {"generation": plan.generation, "space": plan.space, "pages": plan.pages}


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
