"""ReviewChanges: add the pages up, apply the guards, cut the texts into even pages."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil

from workflow.contract.errors import CatalogEmpty
from workflow.contract.events.files import SAMPLES, Baseline, ColumnProfile, PageDiff, Review
from workflow.contract.events.payloads import ChangesPage, PageRange, PlanTask, ReviewRef, TextsPage
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.texts import Text
from workflow.contract.runs import (
    BASELINE,
    DIFF_SUMMARY,
    DIFF_TEXTS,
    EMBED_MANIFEST,
    EMBED_TEXTS,
    LOAD_MANIFEST,
    PAGES,
    READERS,
    REVIEW,
    TEXTS_AGAIN,
    RunFiles,
    page_name,
)
from workflow.contract.settings import Settings
from workflow.embedding.caller import tokens_of
from workflow.steps.costs import Work, estimate
from workflow.steps.guards import constant_columns, review_guards, stop

REJECTED_SHOWN = 500
"""Rejected rows in a report; their number is exact."""

PROFILED = 40
"""Values per column that are kept over all pages."""


def review_changes(
    task: PlanTask, *, runs: RunStore, settings: Settings, clock: Clock
) -> ReviewRef:
    """Write `review.json` and the manifests of EmbedPages and LoadPages; stop on a guard.

    A dry run is never stopped: its report says which guards would. Raises PagesMissing,
    CatalogEmpty, DeleteGuardTripped, CatalogDegraded, BudgetExceeded.
    """
    plan = task.plan
    files = RunFiles.of(runs, plan.run.holder)
    names = [page.page for page in files.read_manifest(PAGES, PageRange)]
    pages = files.read_pages(DIFF_SUMMARY, names, PageDiff)
    if not any(page.rows or page.rejected for page in pages) and not plan.run.input.partial:
        raise CatalogEmpty(
            "the catalog lost its rows after this run began; start again once its load is complete"
        )
    texts = _distinct_texts(files, [page.page for page in pages if page.new_texts])
    review = _review(task, files, pages, texts, settings)
    review = review.model_copy(update={"reviewed_at": clock()})
    files.write(REVIEW, review)
    if not review.dry_run:
        stop(review.guards)
    return ReviewRef.model_validate(review.model_dump(include=set(ReviewRef.model_fields)))


def _distinct_texts(files: RunFiles, pages: Sequence[str]) -> list[Text]:
    """Each text once, however many pages need it; those to embed again, too."""
    names = [*(DIFF_TEXTS.format(page) for page in pages), TEXTS_AGAIN]
    with ThreadPoolExecutor(READERS) as pool:
        read = pool.map(files.read_texts, names)
        return list({text.hash: text for texts in read for text in texts}.values())


def _review(
    task: PlanTask,
    files: RunFiles,
    pages: Sequence[PageDiff],
    texts: Sequence[Text],
    settings: Settings,
) -> Review:
    run_input = task.plan.run.input
    rows = sum(page.rows for page in pages)
    live = sum(page.live for page in pages)
    vanished = sum(page.vanished for page in pages)
    upserts = sum(page.upserts for page in pages)
    profile = _merge_profiles(pages)
    rejected = [row for page in pages for row in page.rejected]
    baseline = files.read(BASELINE, Baseline)
    to_load = [
        ChangesPage(page=page.page, upserts=page.upserts, removals=page.removed)
        for page in pages
        if page.upserts or page.removed
    ]
    to_embed = _cut_evenly(files, texts, settings.embed_page_size)
    work = Work(
        rows=rows,
        upserts=upserts,
        texts=len(texts),
        tokens=sum(tokens_of(text.text) for text in texts),
        diff_pages=len(pages),
        pages_with_new_texts=sum(bool(page.new_texts) for page in pages),
        embed_pages=len(to_embed),
        load_pages=len(to_load),
    )
    cost = estimate(work, settings)
    return Review(
        dry_run=run_input.dry_run,
        rows=rows,
        added=sum(page.added for page in pages),
        changed=sum(page.changed for page in pages),
        removed=sum(page.removed for page in pages),
        unchanged=sum(page.unchanged for page in pages),
        vanished=vanished,
        live=live,
        rejected=len(rejected),
        rejected_rows=tuple(rejected[:REJECTED_SHOWN]),
        profile=profile,
        samples={
            kind: tuple(key for page in pages for key in page.samples[kind])[:SAMPLES]
            for kind in ("added", "changed", "removed")
        },
        estimate=cost,
        guards=review_guards(
            run_input,
            settings,
            rows=rows,
            live=live,
            vanished=vanished,
            profile=profile,
            baseline=baseline,
            estimate=cost,
            rejected=rejected,
            changes=0 if task.plan.new_generation else sum(map(_changes, pages)),
        ),
        warnings=() if baseline.rows else tuple(constant_columns(profile, rows)),
        embed_key=files.write_manifest(EMBED_MANIFEST, to_embed),
        embed_pages=len(to_embed),
        load_key=files.write_manifest(LOAD_MANIFEST, to_load),
        load_pages=len(to_load),
    )


def _merge_profiles(pages: Sequence[PageDiff]) -> dict[str, ColumnProfile]:
    """Counts add up; a value that leads the catalog is among the commonest of its pages."""
    blanks: Counter[str] = Counter()
    values: dict[str, Counter[str]] = {}
    for page in pages:
        for column, one in page.profile.items():
            blanks[column] += one.blanks
            values.setdefault(column, Counter()).update(one.commonest)
    return {
        column: ColumnProfile(blanks=blanks[column], commonest=dict(counts.most_common(PROFILED)))
        for column, counts in values.items()
    }


def _changes(page: PageDiff) -> int:
    return page.upserts + page.removed


def _cut_evenly(files: RunFiles, texts: Sequence[Text], most: int) -> list[TextsPage]:
    """Write the texts in pages whose sizes differ by one at most."""
    count = ceil(len(texts) / most)
    pages = []
    for number in range(count):
        name = page_name(number)
        part = texts[number * len(texts) // count : (number + 1) * len(texts) // count]
        files.write_texts(EMBED_TEXTS.format(name), part)
        pages.append(TextsPage(page=name, texts=len(part)))
    return pages
