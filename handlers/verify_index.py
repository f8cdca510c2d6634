"""State VerifyIndex."""

from handlers.entry import handles
from handlers.wiring import wiring
from workflow.contract.events.payloads import ReviewedTask, VerifiedIndex
from workflow.verify.verify_index import verify_index


@handles(ReviewedTask)
def handler(task: ReviewedTask) -> VerifiedIndex:
    w = wiring()
    return verify_index(
        task,
        catalog=w.catalog,
        embedder=w.embedder,
        quota=w.quota,
        index=w.index,
        runs=w.runs,
        settings=w.settings,
    )
