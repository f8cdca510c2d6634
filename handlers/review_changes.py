"""State ReviewChanges."""

from handlers.clock import now
from handlers.entry import handles
from handlers.wiring import wiring
from workflow.events import PlanTask, ReviewRef
from workflow.review import review_changes


@handles(PlanTask)
def handler(task: PlanTask) -> ReviewRef:
    w = wiring()
    return review_changes(task, runs=w.runs, settings=w.settings, clock=now)
