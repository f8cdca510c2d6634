"""State VerifyIndex."""

from handlers.clock import now
from handlers.entry import handles
from handlers.wiring import wiring
from workflow.contract.events.payloads import ReviewedTask, VerifiedIndex
from workflow.steps.verify_index import verify_index


@handles(ReviewedTask)
def handler(task: ReviewedTask) -> VerifiedIndex:
    w = wiring()
    return verify_index(
        task,
        embedder=w.embedder,
        quota=w.quota,
        documents=w.index.documents,
        texts=w.index.texts,
        server=w.index.server,
        search=w.index.search,
        runs=w.runs,
        settings=w.settings,
        clock=now,
    )
