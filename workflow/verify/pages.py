"""Compares one page of what would be searched after the switch with the catalog read again."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from workflow.contract.documents import catalog_fields, content_hash, record_fault
from workflow.contract.events.files import Neighbour, VerifiedPage
from workflow.contract.events.payloads import PageRange, Plan
from workflow.contract.ports.documents import Documents, Fields
from workflow.contract.ports.texts import TextRecord, Texts
from workflow.contract.read_page import PageRows
from workflow.contract.runs import PAGES, VERIFY_SUMMARY, PageChanges, RunFiles
from workflow.verify.recall import merge_nearest
from workflow.verify.removals import believed, digest

CHUNK = 500


@dataclass
class PageFindings:
    """What one page's comparison found. Keys are drugs."""

    rows: int = 0
    documents: int = 0
    damaged: dict[str, str] = field(default_factory=dict)
    bad_texts: dict[str, str] = field(default_factory=dict)
    drifted: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    keys: str = ""
    vanishing: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    records: dict[str, TextRecord] = field(default_factory=dict)
    """The sound records with a vector that the page's documents name, by text hash."""
    texts: int = 0

    def damage(self, ndc: str, what: str) -> None:
        self.damaged.setdefault(ndc, what)


class PageComparison:
    """Compares one page. It reads; it changes nothing."""

    def __init__(
        self, plan: Plan, page: PageRange, changes: PageChanges, *, dimensions: int
    ) -> None:
        self._plan = plan
        self._page = page
        self._dimensions = dimensions
        self._expected = {one.document.ndc: one.document.content_hash for one in changes.upserts}
        self._written = set(self._expected)
        self._expected |= changes.unchanged
        self._removed = set(changes.removals)
        self._rejected = set(changes.rejected)
        self._readings: Sequence[Collection[str]] = ()
        self.found = PageFindings()

    def run(self, rows: PageRows, *, documents: Documents, texts: Texts) -> PageFindings:
        """Compare every key that DiffPage saw, that the catalog has now, or that the index has."""
        now = {one.ndc: one.content_hash for one in rows.documents}
        self._readings = (self._expected.keys() | self._rejected, set(rows.keys))
        self.found.gone, self.found.kept = self._judge(self._removed)
        self._removed = set(self.found.gone)
        stored = self._future(documents)
        unreadable = {one.ndc for one in rows.unreadable}
        passed_over = {*(unreadable & self._rejected), *self.found.kept, *self._removed}
        self.found.rows = len(self._expected.keys() | (self._rejected & stored.keys()))
        self.found.unread = sorted(stored.keys() & self._rejected)
        self.found.documents = len(stored)
        for ndc in sorted(stored.keys() | self._expected.keys() | now.keys()):
            if ndc not in passed_over:
                self._compare(ndc, stored.get(ndc), now.get(ndc))
        self._compare_kept(stored)
        if self._plan.new_generation and self._plan.live_generation:
            self._compare_with_live(self._plan.live_generation, rows, stored, documents)
        elif self._plan.new_generation:
            self._leave_out_drift(stored)
        self._compare_records(stored, texts)
        return self.found

    def _judge(self, gone: Iterable[str]) -> tuple[list[str], list[str]]:
        """Removals that are safe, and those that are not (`verify/removals.py`)."""
        may_go = sorted(believed(gone, self._page, *self._readings))
        if may_go:
            self.found.keys = digest(self._readings[-1])
        return may_go, sorted(set(gone).difference(may_go))

    def _future(self, documents: Documents) -> dict[str, Fields]:
        """The documents that searches would find: staged over live, without the removed ones."""
        plan, page = self._plan, self._page
        held = documents.keys_between(plan.generation, page.after, page.through)
        keys = [key for key in held if key not in self._removed]
        if plan.new_generation:
            return _read(keys, lambda chunk: documents.read(plan.generation, chunk))
        staged = _read(
            sorted(self._written), lambda chunk: documents.read_staged(plan.run.holder, chunk)
        )
        live = [key for key in keys if key not in staged]
        return _read(live, lambda chunk: documents.read(plan.generation, chunk)) | staged

    def _compare(self, ndc: str, fields: Fields | None, now: str | None) -> None:
        """A document must be what DiffPage asked for, and its row must still be the same."""
        wanted = self._expected.get(ndc)
        if wanted is None:
            if fields is None or ndc in self._rejected:
                self.found.drifted.append(ndc)
            else:
                what = "has a document" if fields else "is in the key set"
                self.found.damage(ndc, f"{what}, and DiffPage saw no row")
        elif not fields:
            self.found.damage(ndc, "has no document")
        elif (reason := self._fault(ndc, fields, wanted)) is not None:
            self.found.damage(ndc, reason)
        elif now != wanted:
            self.found.drifted.append(ndc)

    def _compare_kept(self, stored: Mapping[str, Fields]) -> None:
        """A document whose row cannot be read must at least fit its own hash."""
        for ndc in self.found.unread:
            fields = stored[ndc]
            reason = self._fault(ndc, fields, fields.get("content_hash", ""))
            if reason:
                self.found.damage(ndc, reason)

    def _compare_with_live(
        self,
        live: str,
        rows: PageRows,
        stored: Mapping[str, Fields],
        documents: Documents,
    ) -> None:
        """Compare a new generation with the live one.

        A live drug may vanish only if its removal is believed. A row that equals its last published
        document did not change during the run, so DiffPage read it wrongly.
        """
        now = {one.ndc: catalog_fields(one.fields) for one in rows.documents}
        held = set(documents.keys_between(live, self._page.after, self._page.through))
        rejected = self._rejected.intersection(one.ndc for one in rows.unreadable)
        for ndc in sorted(rejected & held - stored.keys()):
            what = "its row was rejected, and its published document was edited"
            self.found.damage(ndc, f"{what}; correct the row")
        self.found.gone, self.found.vanishing = self._judge(held - stored.keys() - rejected)
        drifted = [key for key in self.found.drifted if key in held and key in stored]
        for ndc, fields in _read(drifted, lambda chunk: documents.read(live, chunk)).items():
            if catalog_fields(fields) == now.get(ndc):
                self.found.drifted.remove(ndc)
                self.found.damage(ndc, "was read wrongly: its row did not change during the run")

    def _leave_out_drift(self, stored: Mapping[str, Fields]) -> None:
        """Do not count documents that VerifyIndex leaves out of a first generation."""
        left = sum(key in stored for key in self.found.drifted)
        self.found.rows -= left
        self.found.documents -= left

    def _fault(self, ndc: str, fields: Fields, wanted: str) -> str | None:
        own = content_hash(fields, self._plan.space)
        if fields.get("ndc") != ndc:
            return f"holds the document of ndc {fields.get('ndc')!r}"
        if own != fields.get("content_hash"):
            return "has a document that does not match its own hash"
        if own != wanted:
            return "has a different document from the one that was written"
        return None

    def _compare_records(self, stored: Mapping[str, Fields], texts: Texts) -> None:
        naming: dict[str, list[str]] = {}
        for ndc, fields in stored.items():
            naming.setdefault(fields.get("text_hash", ""), []).append(ndc)
        self.found.texts = len(naming)
        hashes = sorted(naming)
        for start in range(0, len(hashes), CHUNK):
            chunk = hashes[start : start + CHUNK]
            records = texts.records(self._plan.space, chunk)
            for one, record in zip(chunk, records, strict=True):
                self._compare_record(one, record, naming[one])

    def _compare_record(
        self, text_hash: str, record: TextRecord | None, naming: Sequence[str]
    ) -> None:
        reason = "it is missing"
        if record is not None:
            fault = record_fault(text_hash, record, self._dimensions)
            if fault is None and record.refused:
                self.found.refused.extend(naming)
                return
            if fault is None:
                self.found.records[text_hash] = record
                return
            reason = fault
        for ndc in naming:
            self.found.bad_texts.setdefault(ndc, f"its text record is wrong: {reason}")


def _read(keys: Sequence[str], read: Callable[[Sequence[str]], list[Fields]]) -> dict[str, Fields]:
    documents: dict[str, Fields] = {}
    for start in range(0, len(keys), CHUNK):
        chunk = keys[start : start + CHUNK]
        for key, fields in zip(chunk, read(chunk), strict=True):
            documents[key] = fields
    return documents


class Verified(NamedTuple):
    """What every VerifyPage found; their lists of near texts are merged into one."""

    pages: list[VerifiedPage]
    nearest: dict[str, list[Neighbour]]


def read_verified(files: RunFiles, count: int) -> Verified:
    """What VerifyPage wrote of each of the run's `count` pages. Raises PagesMissing."""
    names = [page.page for page in files.read_manifest(PAGES, PageRange, count)]
    pages: list[VerifiedPage] = []
    nearest: dict[str, list[Neighbour]] = {}
    for page in files.iterate_pages(VERIFY_SUMMARY, names, VerifiedPage):
        nearest = merge_nearest([nearest, page.nearest])
        pages.append(page.model_copy(update={"nearest": {}}))
    return Verified(pages, nearest)
