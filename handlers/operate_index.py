"""What operators ask beside runs; no state of the machine."""

from handlers.clock import now
from handlers.entry import handles
from handlers.wiring import wiring
from workflow.operate.operate import OperatorAnswer, OperatorTask, operate


@handles(OperatorTask)
def handler(task: OperatorTask) -> OperatorAnswer:
    w = wiring()
    return operate(
        task,
        catalog=w.catalog,
        embedder=w.embedder,
        quota=w.quota,
        index=w.index,
        runs=w.runs,
        settings=w.settings,
        clock=now,
    )
