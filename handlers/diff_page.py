"""State DiffPage."""

from handlers.clock import now
from handlers.entry import handles
from handlers.wiring import wiring
from workflow.contract.events.files import PageDiff
from workflow.contract.events.payloads import DiffPageTask
from workflow.steps.diff_page import diff_page


@handles(DiffPageTask)
def handler(task: DiffPageTask) -> PageDiff:
    w = wiring()
    return diff_page(
        task,
        catalog=w.catalog,
        documents=w.index.documents,
        texts=w.index.texts,
        runs=w.runs,
        settings=w.settings,
        clock=now,
    )
