"""What a run, a dry one above all, changes: each drug before and after, column by column."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from workflow.contract.columns import COLUMNS
from workflow.contract.events.base import Event
from workflow.contract.events.payloads import ChangesPage, Plan
from workflow.contract.ports.documents import Documents, Fields
from workflow.contract.ports.run_store import RunStore
from workflow.contract.runs import LOAD_MANIFEST, PLAN, PageChanges, RunFiles


class Before(Event):
    """One column of a drug, before and after; none where it is blank."""

    column: str
    before: str | None
    after: str | None


class ChangedDrug(Event):
    """One drug that a run adds, changes or removes. Columns that stay are left out."""

    ndc: str
    kind: Literal["added", "changed", "removed"]
    columns: tuple[Before, ...]


def changes_of(
    run_id: str, limit: int, *, runs: RunStore, documents: Documents
) -> list[ChangedDrug]:
    """The first drugs that a run changes against what is live now; all where `limit` is 0.

    Raises RunFileMissing where the run did not come to its review.
    """
    files = RunFiles(runs, run_id)
    live = files.read(PLAN, Plan).live_generation
    pages = files.read_manifest(LOAD_MANIFEST, ChangesPage)
    found = (
        drug for page in pages for drug in _page(files.read_changes(page.page), live, documents)
    )
    return list(islice(found, limit or None))


def _page(changes: PageChanges, live: str | None, documents: Documents) -> Iterator[ChangedDrug]:
    after = {one.document.ndc: one.document.fields for one in changes.upserts}
    keys = sorted([*after, *changes.removals])
    for ndc, old in zip(keys, _read(documents, live, keys), strict=True):
        columns = _columns(old, after.get(ndc, {}))
        if columns:
            yield ChangedDrug(ndc=ndc, kind=_kind(ndc in after, bool(old)), columns=columns)


def _read(documents: Documents, live: str | None, keys: Sequence[str]) -> list[Fields]:
    return documents.read(live, keys) if live and keys else [{} for _ in keys]


def _kind(stays: bool, is_there: bool) -> Literal["added", "changed", "removed"]:
    if not stays:
        return "removed"
    return "changed" if is_there else "added"


def _columns(old: Fields, new: Fields) -> tuple[Before, ...]:
    return tuple(
        Before(column=name, before=old.get(name), after=new.get(name))
        for name in COLUMNS
        if old.get(name) != new.get(name)
    )
