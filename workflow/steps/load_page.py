"""LoadPage: write one page's documents, whole, under the fence."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from workflow.contract.documents import HASH_RANGE
from workflow.contract.errors import TextMissing
from workflow.contract.events.files import PageLoaded, RejectedRow, RejectedText
from workflow.contract.events.payloads import LoadPageTask
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.documents import Batch, Document
from workflow.contract.ports.index import Index
from workflow.contract.ports.run_store import RunStore
from workflow.contract.runs import DIFF_CHANGES, EMBED_REJECTED, LOAD_SUMMARY, RunFiles

BATCH = 500
"""Documents in one transaction: a few milliseconds in which Redis answers nobody else."""


def load_page(task: LoadPageTask, *, index: Index, runs: RunStore, clock: Clock) -> PageLoaded:
    """Write the page's documents, then remove its vanished ones. Twice is the same as once.

    Raises TextMissing, RunSuperseded, MemoryShort.
    """
    started_at = clock()
    plan, page = task.plan, task.page.page
    files = RunFiles(runs, plan.run.run_id)
    lines = list(files.read_lines(DIFF_CHANGES.format(page)))
    changes = [line for line in lines if "fields" in line]
    removals = [line["remove"] for line in lines if "remove" in line]
    rejected = _rejected(changes, _reasons(index, plan.space, files, changes))
    skipped = {row.ndc for row in rejected}
    stamp = {"run_id": plan.run.run_id, "indexed_at": _timestamp(clock())}
    upserts = [
        Document(line["fields"]["ndc"], line["fields"] | stamp)
        for line in changes
        if line["fields"]["ndc"] not in skipped
    ]
    for batch in _batches(upserts, removals):
        index.load(plan.generation, plan.run.run_id, batch, suspect=plan.writes_live)
    summary = PageLoaded(
        page=page,
        upserted=len(upserts),
        removed=len(removals),
        rejected=tuple(rejected),
        correction=_correction(changes, skipped),
        timing=task.timing(started_at, clock()),
    )
    files.write(LOAD_SUMMARY.format(page), summary)
    return summary


def _timestamp(now: datetime) -> str:
    return now.isoformat(timespec="seconds")


def _batches(upserts: Sequence[Document], removals: Sequence[str]) -> Iterable[Batch]:
    for start in range(0, len(upserts), BATCH):
        yield Batch(upserts[start : start + BATCH], ())
    for start in range(0, len(removals), BATCH):
        yield Batch((), removals[start : start + BATCH])


def _reasons(
    index: Index, space: str, files: RunFiles, changes: Sequence[dict[str, Any]]
) -> dict[str, str]:
    """Why each text without a record has none. Raises TextMissing where nothing says why."""
    needed = list(dict.fromkeys(line["fields"]["text_hash"] for line in changes))
    origins = index.text_origins(space, needed)
    missing = {one for one, origin in zip(needed, origins, strict=True) if origin is None}
    if not missing:
        return {}
    pages = files.read_lists_there(EMBED_REJECTED, RejectedText)
    reasons = {one.text_hash: one.reason for one in pages if one.text_hash in missing}
    unexplained = missing - reasons.keys()
    if unexplained:
        line = next(one for one in changes if one["fields"]["text_hash"] in unexplained)
        raise TextMissing(
            f"{len(unexplained)} texts have no record in space {space}, the first of "
            f"ndc {line['fields']['ndc']!r}; start a new run, which embeds them again"
        )
    return reasons


def _rejected(changes: Sequence[dict[str, Any]], reasons: dict[str, str]) -> list[RejectedRow]:
    return [
        RejectedRow(
            ndc=line["fields"]["ndc"],
            text_hash=line["fields"]["text_hash"],
            reason=reasons[line["fields"]["text_hash"]],
            new=line["old"] is None,
        )
        for line in changes
        if line["fields"]["text_hash"] in reasons
    ]


def _correction(changes: Sequence[dict[str, Any]], skipped: set[str]) -> int:
    """What the page's checksum has too much: a rejected row's new hash for its old one."""
    return (
        sum(
            int(line["fields"]["content_hash"], 16) - int(line["old"] or "0", 16)
            for line in changes
            if line["fields"]["ndc"] in skipped
        )
        % HASH_RANGE
    )
