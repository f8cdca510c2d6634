"""DiffPage: one range of the catalog against the same range of the index."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from workflow.contract.columns import COLUMNS, KEY
from workflow.contract.documents import Writer, checksum, writer_of
from workflow.contract.errors import ColumnUnreadable, DuplicateKey, KeyBlank, KeyOrderMismatch
from workflow.contract.events.files import SAMPLES, ColumnProfile, PageDiff
from workflow.contract.events.payloads import DiffPageTask, PageRange, Plan
from workflow.contract.ports.catalog import Catalog, RangeRows
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.documents import Change, Document
from workflow.contract.ports.index import Index
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.texts import Text
from workflow.contract.runs import DIFF_CHANGES, DIFF_SUMMARY, DIFF_TEXTS, RunFiles
from workflow.contract.settings import Settings

COMMONEST = 8
"""Values per column and page whose counts are kept: enough for one that has a third of all."""

VALUE_CHARS = 80


class Difference(NamedTuple):
    """What separates a page of the catalog from the generation that the run writes."""

    added: list[Change]
    changed: list[Change]
    removed: list[str]

    @property
    def changes(self) -> list[Change]:
        return self.added + self.changed


def diff_page(
    task: DiffPageTask,
    *,
    catalog: Catalog,
    index: Index,
    runs: RunStore,
    settings: Settings,
    clock: Clock,
) -> PageDiff:
    """Find what to upsert, what to remove and which texts have no record yet.

    Raises DuplicateKey, KeyOrderMismatch, KeyBlank.
    """
    started_at = clock()
    plan, page = task.plan, task.page
    writer = writer_of(settings, plan.space)
    with catalog.connect() as reader:
        found = reader.read_range(page.after, page.through)
    check_keys(found.keys, page)
    refuse_unreadable(found)
    documents = [writer.document(row) for row in found.rows]

    stored = index.keys_between(plan.generation, page.after, page.through)
    difference = compare(index, plan.generation, documents, stored)
    texts = _new_texts(index, plan.space, difference.changes, writer)
    live = _live_keys(index, plan, page) if plan.new_generation else stored
    summary = _summary(page, documents, difference, live, len(texts))

    files = RunFiles(runs, plan.run.run_id)
    files.write_lines(DIFF_CHANGES.format(page.page), _lines(difference))
    files.write_lines(DIFF_TEXTS.format(page.page), (text._asdict() for text in texts))
    summary = summary.model_copy(update={"timing": task.timing(started_at, clock())})
    files.write(DIFF_SUMMARY.format(page.page), summary)
    return summary


def check_keys(keys: Sequence[str], page: PageRange) -> None:
    """Keys must rise strictly as UTF-8 bytes and lie within the page.

    SQL collations pad and fold, Redis does not: where they disagree, a page would remove its
    neighbour's drugs.
    """
    blank = next((key for key in keys if not key.strip()), None)
    if blank is not None:
        raise KeyBlank(f"a row's {KEY} is {blank!r}; give it a key or leave it out of the view")
    bounds = ([page.after] if page.after is not None else []) + list(keys)
    for before, key in pairwise(bounds):
        if key == before:
            raise DuplicateKey(f"two rows have the {KEY} {key!r}; make the view return one of them")
        if key.encode() < before.encode():
            raise _order_mismatch(before, key)
    if keys and page.through is not None and keys[-1].encode() > page.through.encode():
        raise _order_mismatch(keys[-1], page.through)


def refuse_unreadable(found: RangeRows) -> None:
    """Raise ColumnUnreadable: a row that is left out would count as removed."""
    for row in found.unreadable:
        raise ColumnUnreadable(
            f"{row.column} of {KEY} {row.ndc!r} is {row.value!r}, which {row.reason}"
        )


def _order_mismatch(first: str, second: str) -> KeyOrderMismatch:
    return KeyOrderMismatch(
        f"SQL puts {KEY} {first!r} before {second!r}, their bytes the other way round; give the "
        "key column a binary collation such as utf8mb4_bin, and no padding or folding"
    )


def compare(
    index: Index, generation: str, documents: Sequence[Document], stored: Sequence[str]
) -> Difference:
    """A drug is unchanged when its key is in the key set and its stored hash is the row's."""
    known = set(stored)
    ndcs = [document.ndc for document in documents if document.ndc in known]
    hashes = dict(zip(ndcs, index.content_hashes(generation, ndcs), strict=True))
    repair = index.to_repair(generation, ndcs)
    difference = Difference([], [], [])
    for document in documents:
        old = hashes.get(document.ndc)
        if document.ndc not in known:
            difference.added.append(Change(document, None))
        elif old != document.content_hash or document.ndc in repair:
            difference.changed.append(Change(document, old))
    present = {document.ndc for document in documents}
    difference.removed.extend(key for key in stored if key not in present)
    return difference


def _new_texts(index: Index, space: str, changes: Sequence[Change], writer: Writer) -> list[Text]:
    """The texts of changed documents that have no record yet, each once."""
    needed = {change.document.text_hash: change.document for change in changes}
    origins = index.text_origins(space, list(needed))
    return [
        writer.text(document.fields)
        for document, origin in zip(needed.values(), origins, strict=True)
        if origin is None
    ]


def _live_keys(index: Index, plan: Plan, page: PageRange) -> list[str]:
    if plan.live_generation is None:
        return []
    return index.keys_between(plan.live_generation, page.after, page.through)


def _summary(
    page: PageRange,
    documents: Sequence[Document],
    difference: Difference,
    live: Sequence[str],
    new_texts: int,
) -> PageDiff:
    added = [change.document.ndc for change in difference.added]
    changed = [change.document.ndc for change in difference.changed]
    present = {document.ndc for document in documents}
    return PageDiff(
        page=page.page,
        rows=len(documents),
        added=len(added),
        changed=len(changed),
        removed=len(difference.removed),
        unchanged=len(documents) - len(added) - len(changed),
        vanished=sum(key not in present for key in live),
        live=len(live),
        new_texts=new_texts,
        checksum=checksum(document.content_hash for document in documents),
        profile=profile(documents),
        samples={
            "added": tuple(added[:SAMPLES]),
            "changed": tuple(changed[:SAMPLES]),
            "removed": tuple(difference.removed[:SAMPLES]),
        },
    )


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


def _lines(difference: Difference) -> Iterable[dict[str, Any]]:
    for change in difference.changes:
        yield {"fields": change.document.fields, "old": change.old}
    for key in difference.removed:
        yield {"remove": key}
