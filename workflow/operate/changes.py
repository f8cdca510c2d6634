"""What a run changes, above all a dry run: each drug before and after, column by column."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from workflow.contract.columns import COLUMNS
from workflow.contract.events.base import Event
from workflow.contract.events.files import Review
from workflow.contract.events.payloads import ChangesPage, Plan, Run
from workflow.contract.ports.documents import Documents, Fields
from workflow.contract.ports.run_store import RunStore
from workflow.contract.runs import LOAD_MANIFEST, PLAN, REVIEW, PageChanges, RunFiles

PIECE: Final = 500
"""Drugs in one answer: about 4 MB if every column of each changed and has its greatest length."""


class Before(Event):
    """One column of a drug, before and after; none if it is blank."""

    column: str
    before: str | None
    after: str | None


class ChangedDrug(Event):
    """One drug that a run adds, changes or removes. Columns that stay are left out."""

    ndc: str
    kind: Literal["added", "changed", "removed"]
    columns: tuple[Before, ...]


class Changes(NamedTuple):
    """Some of the drugs that a run changes. `following` is where the next answer starts; None at
    the end."""

    drugs: list[ChangedDrug]
    following: int | None


def changes_of(
    run: Run, start: int, *, runs: RunStore, documents: Documents, piece: int = PIECE
) -> Changes:
    """Compare `piece` of a run's changes with what is live now, from number `start` on.

    A function's answer may have 6 MB, so the caller asks again from where it ended. Raises
    RunFileMissing if the run did not reach its review, RunFileCorrupt where a file is not its own.
    """
    files = RunFiles.of(runs, run.holder)
    live = files.read(PLAN, Plan).live_generation
    drugs: list[ChangedDrug] = []
    first, end = 0, start + piece
    pages = files.read(REVIEW, Review).load_pages
    for page in files.read_manifest(LOAD_MANIFEST, ChangesPage, pages):
        last = first + page.upserts + page.removals
        if first >= end:
            return Changes(drugs, end)
        if last > start:
            part = slice(max(0, start - first), end - first)
            drugs += _page(files.read_changes(page.page), part, live, documents)
        first = last
    return Changes(drugs, end if end < first else None)


def _page(
    changes: PageChanges, part: slice, live: str | None, documents: Documents
) -> Iterator[ChangedDrug]:
    after = {one.document.ndc: one.document.fields for one in changes.upserts}
    keys = sorted([*after, *changes.removals])[part]
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
