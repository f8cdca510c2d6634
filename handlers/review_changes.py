"""State ReviewChanges."""

from handlers.clock import now
from handlers.entry import handles
from handlers.wiring import wiring
from workflow.contract.events.payloads import PlanTask, ReviewRef
from workflow.steps.review_changes import review_changes


@handles(PlanTask)
def handler(task: PlanTask) -> ReviewRef:
    w = wiring()
    return review_changes(task, runs=w.runs, settings=w.settings, clock=now)
