"""State DiffPage."""

from handlers.clock import now
from handlers.entry import handles
from handlers.wiring import wiring
from workflow.diff import diff_page
from workflow.events import DiffPageTask, PageDiff


@handles(DiffPageTask)
def handler(task: DiffPageTask) -> PageDiff:
    w = wiring()
    return diff_page(
        task, catalog=w.catalog, index=w.index, runs=w.runs, settings=w.settings, clock=now
    )
