"""LoadPage: write one page's documents under the fence."""

from collections.abc import Sequence
from datetime import datetime

from workflow.contract.errors import TextMissing
from workflow.contract.events.files import PageLoaded
from workflow.contract.events.payloads import LoadPageTask
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.documents import Change, Document, Documents
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.texts import Texts
from workflow.contract.runs import LOAD_MANIFEST, LOAD_SUMMARY, RunFiles

BATCH = 500
"""Documents per transaction. Redis serves no other client during these few milliseconds."""


def load_page(
    task: LoadPageTask, *, documents: Documents, texts: Texts, runs: RunStore, clock: Clock
) -> PageLoaded:
    """Write the page's documents: into a new generation, or staged for the switch of a sync.

    Removals are only noted. Twice is the same as once. Raises TextMissing, RunSuperseded,
    MemoryShort.
    """
    started_at = clock()
    plan, page = task.plan, task.page.page
    files = RunFiles.of(runs, plan.run.holder)
    files.check_item(LOAD_MANIFEST, task.page)
    changes = files.read_changes(page, task.page.changes)
    check_texts(texts, plan.space, changes.upserts)
    stamp = {"run_id": plan.run.run_id, "indexed_at": _timestamp(clock())}
    stamped = [Document(one.document.ndc, one.document.fields | stamp) for one in changes.upserts]
    for start in range(0, len(stamped), BATCH):
        batch = stamped[start : start + BATCH]
        if plan.new_generation:
            documents.write(plan.generation, plan.run.holder, batch)
        else:
            documents.stage(plan.run.holder, batch)
    summary = PageLoaded(
        page=page,
        upserted=len(stamped),
        removed=len(changes.removals),
        timing=task.timing(started_at, clock()),
    )
    files.write(LOAD_SUMMARY.format(page), summary)
    return summary


def _timestamp(now: datetime) -> str:
    return now.isoformat(timespec="seconds")


def check_texts(texts: Texts, space: str, changes: Sequence[Change]) -> None:
    """Raise TextMissing if a document's text has no record, not even a refused one."""
    needed = {one.document.text_hash: one.document.ndc for one in changes}
    origins = texts.origins(space, list(needed))
    missing = [ndc for ndc, origin in zip(needed.values(), origins, strict=True) if origin is None]
    if missing:
        raise TextMissing(
            f"{len(missing)} texts have no record in space {space}, the first of ndc "
            f"{missing[0]!r}; start a new run, which embeds them again"
        )
