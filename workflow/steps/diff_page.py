"""DiffPage: compare one key range of the catalog with the same range of the index."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from workflow.contract.columns import COLUMNS, KEY
from workflow.contract.documents import (
    Renderer,
    catalog_fields,
    content_hash,
    record_fault,
    renderer_of,
)
from workflow.contract.errors import CatalogMoved
from workflow.contract.events.files import SAMPLES, ColumnProfile, PageDiff, RejectedRow
from workflow.contract.events.payloads import DiffPageTask, PageRange, Plan
from workflow.contract.ports.catalog import Catalog, UnreadableRow
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.documents import Change, Document, Documents
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.texts import Text, Texts
from workflow.contract.read_page import PageRows, check_keys, most_rows, read_page
from workflow.contract.runs import DIFF_SUMMARY, PAGES, PageChanges, RunFiles, divided, texts_file
from workflow.contract.settings import Settings
from workflow.steps.saved_plan import digests_of_page, is_asked

COMMONEST = 8
"""How many values per column and page are counted; a value in a third of all rows is among them."""

VALUE_CHARS = 80


class Difference(NamedTuple):
    """How a page of the catalog differs from the generation that the run writes."""

    added: list[Change]
    changed: list[Change]
    removed: list[str]
    unchanged: dict[str, str]

    @property
    def changes(self) -> list[Change]:
        return self.added + self.changed


def diff_page(
    task: DiffPageTask,
    *,
    catalog: Catalog,
    documents: Documents,
    texts: Texts,
    runs: RunStore,
    settings: Settings,
    clock: Clock,
) -> PageDiff:
    """Find what to upsert, what to remove and which texts have no sound record yet.

    Raises DuplicateKey, KeyOrderMismatch, KeyBlank, CatalogMoved.
    """
    started_at = clock()
    plan, page = task.plan, task.page
    files = RunFiles.of(runs, plan.run.holder)
    files.check_item(PAGES, page)
    renderer = renderer_of(settings, plan.space)
    rows = read_page(catalog, page, renderer, most=most_rows(page, plan))
    check_keys(rows.keys, page)
    check_rows(len(rows.keys), page, settings)

    stored = documents.keys_between(plan.generation, page.after, page.through)
    wanted = rows.documents + _as_published(documents, plan, rows, renderer)
    difference = compare(documents, plan.generation, rows._replace(documents=wanted), stored)
    missing = _new_texts(texts, plan, difference.changes, renderer, settings)
    live = _live_keys(documents, plan, page) if plan.new_generation else stored
    parts = divided(missing, plan.text_parts)
    summary = _summary(page, rows, difference, live, len(missing))

    rejected = [row.ndc for row in rows.unreadable]
    changes = PageChanges(difference.changes, difference.removed, difference.unchanged, rejected)
    written = files.write_changes(page.page, changes)
    for part, texts_of_part in parts.items():
        files.write_texts(texts_file(page.page, part), texts_of_part)
    update: dict[str, Any] = {
        "timing": task.timing(started_at, clock()),
        "text_parts": tuple(parts),
        "changes": written,
    }
    if is_asked(plan.run.input):
        update["digests"] = digests_of_page(difference.changes, difference.removed)
    summary = summary.model_copy(update=update)
    files.write(DIFF_SUMMARY.format(page.page), summary)
    return summary


def check_rows(rows: int, page: PageRange, settings: Settings) -> None:
    """Raise CatalogMoved if a page lost many rows since the plan was made.

    This happens while the catalog is loaded again, and the rows come back.
    """
    missing = page.rows - rows
    if missing > max(settings.delete_guard_rows, settings.delete_guard_share * page.rows):
        raise CatalogMoved(
            f"{missing:,} of the {page.rows:,} rows that the run planned with are missing; is "
            "the catalog being loaded? This is retried; start a new run once the load has ended"
        )


def _as_published(
    documents: Documents, plan: Plan, rows: PageRows, renderer: Renderer
) -> list[Document]:
    """A new generation gets the last published document of a row that cannot be carried.

    A sync leaves that document where it is. One that was edited since stays out, and VerifyPage
    names it: its new hash would say that it is right.
    """
    if not (plan.new_generation and plan.live_generation and plan.live_space):
        return []
    ndcs = [row.ndc for row in rows.unreadable]
    live = zip(ndcs, documents.read(plan.live_generation, ndcs), strict=True)
    return [
        renderer.document(catalog_fields(one))
        for ndc, one in live
        if one.get("ndc") == ndc and one.get("content_hash") == content_hash(one, plan.live_space)
    ]


def compare(
    documents: Documents, generation: str, rows: PageRows, stored: Sequence[str]
) -> Difference:
    """A drug is unchanged if its key is in the key set and its stored hash is the row's."""
    known = set(stored)
    ndcs = [document.ndc for document in rows.documents if document.ndc in known]
    hashes = dict(zip(ndcs, documents.content_hashes(generation, ndcs), strict=True))
    repair = documents.to_repair(generation, ndcs)
    difference = Difference([], [], [], {})
    for document in rows.documents:
        old = hashes.get(document.ndc)
        if document.ndc not in known:
            difference.added.append(Change(document, None))
        elif old != document.content_hash or document.ndc in repair:
            difference.changed.append(Change(document, old))
        else:
            difference.unchanged[document.ndc] = document.content_hash
    present = set(rows.keys)
    difference.removed.extend(key for key in stored if key not in present)
    return difference


def _new_texts(
    texts: Texts, plan: Plan, changes: Sequence[Change], renderer: Renderer, settings: Settings
) -> list[Text]:
    """The texts of changed documents that have no sound record yet, each once.

    A backfill only asks which exist: it must not overwrite what the live generation uses.
    """
    needed = {change.document.text_hash: change.document for change in changes}
    hashes = list(needed)
    if plan.new_generation:
        origins = texts.origins(plan.space, hashes)
        sound = {one for one, origin in zip(hashes, origins, strict=True) if origin}
    else:
        dimensions = settings.embedding_dimensions
        records = zip(hashes, texts.records(plan.space, hashes), strict=True)
        sound = {
            one for one, record in records if record and not record_fault(one, record, dimensions)
        }
    return [renderer.text(needed[one].fields) for one in hashes if one not in sound]


def _live_keys(documents: Documents, plan: Plan, page: PageRange) -> list[str]:
    if plan.live_generation is None:
        return []
    return documents.keys_between(plan.live_generation, page.after, page.through)


def _summary(
    page: PageRange,
    rows: PageRows,
    difference: Difference,
    live: Sequence[str],
    new_texts: int,
) -> PageDiff:
    added = [change.document.ndc for change in difference.added]
    changed = [change.document.ndc for change in difference.changed]
    present, held = set(rows.keys), set(live)
    return PageDiff(
        page=page.page,
        rows=len(rows.documents),
        added=len(added),
        changed=len(changed),
        removed=len(difference.removed),
        unchanged=len(difference.unchanged),
        missing=sum(change.old is None for change in difference.changed),
        vanished=sum(key not in present for key in live),
        live=len(live),
        new_texts=new_texts,
        rejected=tuple(_rejected(one, held) for one in rows.unreadable),
        profile=profile(rows.documents),
        samples={
            "added": tuple(added[:SAMPLES]),
            "changed": tuple(changed[:SAMPLES]),
            "removed": tuple(difference.removed[:SAMPLES]),
        },
    )


def _rejected(row: UnreadableRow, live: set[str]) -> RejectedRow:
    return RejectedRow(**row._asdict(), new=row.ndc not in live)


def profile(documents: Sequence[Document]) -> dict[str, ColumnProfile]:
    """How each column but the key is filled on this page."""
    columns = {}
    for column in COLUMNS:
        if column == KEY:
            continue
        values = Counter([document.fields.get(column) for document in documents])
        blanks = values.pop(None, 0)
        commonest: dict[str, int] = {}
        for value, count in values.most_common(COMMONEST):
            short = (value or "")[:VALUE_CHARS]
            commonest[short] = commonest.get(short, 0) + count
        columns[column] = ColumnProfile(blanks=blanks, commonest=commonest)
    return columns
