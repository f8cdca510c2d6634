"""State PruneIndex."""

from handlers.entry import handles
from handlers.wiring import wiring
from workflow.contract.events.payloads import PruneTask, Pruning
from workflow.steps.prune_index import prune_index


@handles(PruneTask)
def handler(task: PruneTask) -> Pruning:
    w = wiring()
    return prune_index(task, generations=w.index.generations, runs=w.runs)
