"""ReviewChanges: add the pages up, apply the guards, cut the texts into even pages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import NamedTuple

from workflow.contract.errors import CatalogEmpty
from workflow.contract.events.files import (
    SAMPLES,
    Baseline,
    ColumnProfile,
    PageDiff,
    Review,
    TextsCut,
)
from workflow.contract.events.payloads import (
    ChangesPage,
    PageRange,
    Plan,
    PlanTask,
    ReviewRef,
    TextsPage,
)
from workflow.contract.limits import MOST_TEXT_PAGES
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
    TEXTS_CUT,
    RunFiles,
    divided,
    page_name,
    texts_file,
)
from workflow.contract.settings import Settings
from workflow.embedding.caller import tokens_of
from workflow.steps.costs import Work, estimate
from workflow.steps.guards import Rejected, constant_columns, review_guards, stop
from workflow.steps.saved_plan import RunDigest, check_planned

REJECTED_SHOWN = 500
"""How many rejected rows a report lists; their total is exact."""

PROFILED = 40
"""How many values per column are kept over all pages."""

PIECE = 50_000
"""Files of texts that one call reads, in about two minutes."""

NOT_YET = ReviewRef(
    reviewed=False, dry_run=False, embed_key="", embed_pages=0, load_key="", load_pages=0
)


def review_changes(
    task: PlanTask, *, runs: RunStore, settings: Settings, clock: Clock
) -> ReviewRef:
    """Write `review.json` and the manifests of EmbedPages and LoadPages; stop on a guard.

    The state machine asks again while texts are left to merge: `reviewed` is false until then.
    A dry run is never stopped: its report says which guards would. Raises PagesMissing,
    CatalogEmpty, PlanStale, DeleteGuardTripped, CatalogDegraded, BudgetExceeded.
    """
    plan = task.plan
    files = RunFiles.of(runs, plan.run.holder)
    read = _read_pages(files, plan)
    pages = read.pages
    if (
        not (read.rejected.number or any(page.rows for page in pages))
        and not plan.run.input.partial
    ):
        raise CatalogEmpty(
            "the catalog lost its rows after this run began; start a new run once its load is "
            "complete"
        )
    cut = merge_texts(files, pages, plan.text_parts, settings.embed_page_size)
    if cut.parts < plan.text_parts:
        return NOT_YET
    review = _review(task, files, read, cut, settings)
    review = review.model_copy(update={"reviewed_at": clock()})
    files.write(REVIEW, review)
    if plan.run.input.plan:
        check_planned(plan.run.input.plan, review, runs=runs)
    if not review.dry_run:
        stop(review.guards)
    return ReviewRef.model_validate(review.model_dump(include=set(ReviewRef.model_fields)))


class PagesRead(NamedTuple):
    """Each page's counts. Profiles and rejected rows, which are larger, are added up."""

    pages: list[PageDiff]
    profile: dict[str, ColumnProfile]
    rejected: Rejected
    digest: str
    """Of the plan; of nothing but the question where no plan is saved or carried out."""


def _read_pages(files: RunFiles, plan: Plan) -> PagesRead:
    names = [page.page for page in files.read_manifest(PAGES, PageRange, plan.pages)]
    profiles, digest = ProfileSum(), RunDigest(plan)
    rejected = Rejected()
    pages = []
    for page in files.iterate_pages(DIFF_SUMMARY, names, PageDiff):
        profiles.add(page.profile)
        rejected = rejected.add(page.rejected, REJECTED_SHOWN)
        digest.add(page.digests)
        pages.append(page.model_copy(update={"profile": {}, "rejected": (), "digests": ""}))
    return PagesRead(pages, profiles.total(), rejected, digest.value)


def merge_texts(
    files: RunFiles, pages: Sequence[PageDiff], parts: int, most: int, *, piece: int = PIECE
) -> TextsCut:
    """Write each text once, however many pages need it, and the texts to embed again: one more
    piece.

    Only one part of the texts is in memory at a time. `cut.json` says how far earlier calls came;
    a call reads about `piece` files, and one part at least.
    """
    cut = files.read_if_there(TEXTS_CUT, TextsCut) or TextsCut()
    most = max(most, ceil(sum(page.new_texts for page in pages) / MOST_TEXT_PAGES))
    again = divided(files.read_texts(TEXTS_AGAIN), parts)
    read = 0
    while cut.parts < parts and read < piece:
        part = cut.parts
        names = [texts_file(page.page, part) for page in pages if part in page.text_parts]
        made, tokens = _merge_part(files, names, again.get(part, []), most, len(cut.pages))
        read += max(1, len(names))
        cut = TextsCut(parts=part + 1, pages=(*cut.pages, *made), tokens=cut.tokens + tokens)
    files.write(TEXTS_CUT, cut)
    return cut


def _merge_part(
    files: RunFiles, names: Sequence[str], again: Sequence[Text], most: int, first: int
) -> tuple[list[TextsPage], int]:
    """The pages of one part, and its tokens. Its texts are freed before the next part is read."""
    texts = _distinct_texts(files, names, again)
    pages = _cut_evenly(files, texts, most, first=first)
    return pages, sum(tokens_of(text.text) for text in texts)


def _distinct_texts(files: RunFiles, names: Sequence[str], again: Sequence[Text]) -> list[Text]:
    distinct: dict[str, Text] = {}
    with ThreadPoolExecutor(READERS) as pool:
        # A few files at a time; given all of them, the pool would read far ahead of the merge.
        for start in range(0, len(names), 2 * READERS):
            for texts in pool.map(files.read_texts, names[start : start + 2 * READERS]):
                distinct.update((text.hash, text) for text in texts)
    distinct.update((text.hash, text) for text in again)
    # Records with other names may have the same words: side by side, one call serves them all.
    return sorted(distinct.values(), key=lambda text: text.text)


def _review(
    task: PlanTask,
    files: RunFiles,
    read: PagesRead,
    to_embed: TextsCut,
    settings: Settings,
) -> Review:
    pages, profile, rejected, digest = read
    run_input = task.plan.run.input
    rows = sum(page.rows for page in pages)
    live = sum(page.live for page in pages)
    vanished = sum(page.vanished for page in pages)
    upserts = sum(page.upserts for page in pages)
    baseline = files.read(BASELINE, Baseline)
    to_load = [
        ChangesPage(
            page=page.page, upserts=page.upserts, removals=page.removed, changes=page.changes
        )
        for page in pages
        if page.upserts or page.removed
    ]
    work = Work(
        rows=rows,
        upserts=upserts,
        texts=sum(page.texts for page in to_embed.pages),
        tokens=to_embed.tokens,
        diff_pages=len(pages),
        pages_with_new_texts=sum(bool(page.new_texts) for page in pages),
        embed_pages=len(to_embed.pages),
        load_pages=len(to_load),
        removed=vanished,
        new_generation=task.plan.new_generation,
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
        rejected=rejected.number,
        rejected_rows=rejected.first,
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
        digest=digest,
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
    """Write the texts in pages whose sizes differ by at most one, numbered from `first`."""
    count = ceil(len(texts) / most)
    pages = []
    for number in range(count):
        name = page_name(first + number)
        part = texts[number * len(texts) // count : (number + 1) * len(texts) // count]
        files.write_texts(EMBED_TEXTS.format(name), part)
        pages.append(TextsPage(page=name, texts=len(part)))
    return pages
