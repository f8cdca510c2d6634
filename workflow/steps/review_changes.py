"""ReviewChanges: add the pages up, apply the guards, cut the texts into even pages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import NamedTuple

from workflow.contract.errors import CatalogEmpty
from workflow.contract.events.files import SAMPLES, Baseline, ColumnProfile, PageDiff, Review
from workflow.contract.events.payloads import ChangesPage, PageRange, PlanTask, ReviewRef, TextsPage
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.texts import Text
from workflow.contract.runs import (
    BASELINE,
    DIFF_SUMMARY,
    EMBED_MANIFEST,
    EMBED_TEXTS,
    LOAD_MANIFEST,
    PAGES,
    READERS,
    REVIEW,
    TEXTS_AGAIN,
    RunFiles,
    divided,
    page_name,
    texts_file,
)
from workflow.contract.settings import Settings
from workflow.embedding.caller import tokens_of
from workflow.steps.costs import Work, estimate
from workflow.steps.guards import constant_columns, review_guards, stop
from workflow.steps.saved_plan import check_planned, digest_of_run

REJECTED_SHOWN = 500
"""Rejected rows in a report; their number is exact."""

PROFILED = 40
"""Values per column that are kept over all pages."""


def review_changes(
    task: PlanTask, *, runs: RunStore, settings: Settings, clock: Clock
) -> ReviewRef:
    """Write `review.json` and the manifests of EmbedPages and LoadPages; stop on a guard.

    A dry run is never stopped: its report says which guards would. Raises PagesMissing,
    CatalogEmpty, PlanStale, DeleteGuardTripped, CatalogDegraded, BudgetExceeded.
    """
    plan = task.plan
    files = RunFiles.of(runs, plan.run.holder)
    pages, profile = _read_pages(files)
    if not any(page.rows or page.rejected for page in pages) and not plan.run.input.partial:
        raise CatalogEmpty(
            "the catalog lost its rows after this run began; start again once its load is complete"
        )
    cut = cut_texts(files, pages, plan.text_parts, settings.embed_page_size)
    review = _review(task, files, pages, profile, cut, settings)
    review = review.model_copy(update={"reviewed_at": clock()})
    files.write(REVIEW, review)
    if plan.run.input.plan:
        check_planned(plan.run.input.plan, review, runs=runs)
    if not review.dry_run:
        stop(review.guards)
    return ReviewRef.model_validate(review.model_dump(include=set(ReviewRef.model_fields)))


def _read_pages(files: RunFiles) -> tuple[list[PageDiff], dict[str, ColumnProfile]]:
    """Each page's counts, and the sum of all profiles, which are the larger part of a page."""
    names = [page.page for page in files.read_manifest(PAGES, PageRange)]
    profiles = ProfileSum()
    pages = []
    for page in files.iterate_pages(DIFF_SUMMARY, names, PageDiff):
        profiles.add(page.profile)
        pages.append(page.model_copy(update={"profile": {}}))
    return pages, profiles.total()


class TextsCut(NamedTuple):
    """The texts to embed, written in even pages."""

    pages: list[TextsPage]
    texts: int
    tokens: int


def cut_texts(files: RunFiles, pages: Sequence[PageDiff], parts: int, most: int) -> TextsCut:
    """Write each text once, however many pages need it, and those to embed again.

    Only one part of the texts is in memory at a time.
    """
    again = divided(files.read_texts(TEXTS_AGAIN), parts)
    cut: list[TextsPage] = []
    tokens = 0
    for part in range(parts):
        texts = _distinct_texts(files, pages, part, again.get(part, []))
        tokens += sum(tokens_of(text.text) for text in texts)
        cut += _cut_evenly(files, texts, most, first=len(cut))
    return TextsCut(cut, sum(page.texts for page in cut), tokens)


def _distinct_texts(
    files: RunFiles, pages: Sequence[PageDiff], part: int, again: Sequence[Text]
) -> list[Text]:
    names = [texts_file(page.page, part) for page in pages if part in page.text_parts]
    distinct: dict[str, Text] = {}
    with ThreadPoolExecutor(READERS) as pool:
        for texts in pool.map(files.read_texts, names):
            distinct.update((text.hash, text) for text in texts)
    distinct.update((text.hash, text) for text in again)
    # Records of other names may share their words: side by side, one call serves them all.
    return sorted(distinct.values(), key=lambda text: text.text)


def _review(
    task: PlanTask,
    files: RunFiles,
    pages: Sequence[PageDiff],
    profile: dict[str, ColumnProfile],
    to_embed: TextsCut,
    settings: Settings,
) -> Review:
    run_input = task.plan.run.input
    rows = sum(page.rows for page in pages)
    live = sum(page.live for page in pages)
    vanished = sum(page.vanished for page in pages)
    upserts = sum(page.upserts for page in pages)
    rejected = [row for page in pages for row in page.rejected]
    baseline = files.read(BASELINE, Baseline)
    to_load = [
        ChangesPage(page=page.page, upserts=page.upserts, removals=page.removed)
        for page in pages
        if page.upserts or page.removed
    ]
    work = Work(
        rows=rows,
        upserts=upserts,
        texts=to_embed.texts,
        tokens=to_embed.tokens,
        diff_pages=len(pages),
        pages_with_new_texts=sum(bool(page.new_texts) for page in pages),
        embed_pages=len(to_embed.pages),
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
        missing=sum(page.missing for page in pages),
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
        embed_key=files.write_manifest(EMBED_MANIFEST, to_embed.pages),
        embed_pages=len(to_embed.pages),
        load_key=files.write_manifest(LOAD_MANIFEST, to_load),
        load_pages=len(to_load),
        digest=digest_of_run(task.plan, pages),
    )


class ProfileSum:
    """Adds profiles up. The commonest value of the catalog is among the commonest of its pages."""

    def __init__(self) -> None:
        self._blanks: Counter[str] = Counter()
        self._values: dict[str, Counter[str]] = {}

    def add(self, profile: Mapping[str, ColumnProfile]) -> None:
        for column, one in profile.items():
            self._blanks[column] += one.blanks
            self._values.setdefault(column, Counter()).update(one.commonest)

    def total(self) -> dict[str, ColumnProfile]:
        return {
            column: ColumnProfile(
                blanks=self._blanks[column], commonest=dict(counts.most_common(PROFILED))
            )
            for column, counts in self._values.items()
        }


def _changes(page: PageDiff) -> int:
    return page.upserts + page.removed


def _cut_evenly(
    files: RunFiles, texts: Sequence[Text], most: int, *, first: int
) -> list[TextsPage]:
    """Write the texts in pages whose sizes differ by one at most, numbered from `first`."""
    count = ceil(len(texts) / most)
    pages = []
    for number in range(count):
        name = page_name(first + number)
        part = texts[number * len(texts) // count : (number + 1) * len(texts) // count]
        files.write_texts(EMBED_TEXTS.format(name), part)
        pages.append(TextsPage(page=name, texts=len(part)))
    return pages
