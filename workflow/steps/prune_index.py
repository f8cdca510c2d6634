"""PruneIndex: removes what no kept generation uses, one piece per call."""

from workflow.contract.errors import SwitchLost
from workflow.contract.events.files import Switched
from workflow.contract.events.payloads import PruneTask, Pruning
from workflow.contract.ports.generations import Generations
from workflow.contract.ports.run_store import RunStore
from workflow.contract.runs import PUBLISH, RunFiles
from workflow.steps.prune import SWEPT, kept_by


def prune_index(task: PruneTask, *, generations: Generations, runs: RunStore) -> Pruning:
    """Remove one piece. The state machine calls again with the answer until it is done.

    Raises RunSuperseded, SwitchLost. Then the file of the switch says that it was lost.
    """
    holder, at = task.run.holder, task.prune
    live = generations.live()
    if live is None or live.names.switch != holder.identity:
        generations.take_fence(holder)
        lost = Switched(generation=task.plan.generation, done=False, lost=True)
        RunFiles.of(runs, holder).write(PUBLISH, lost)
        raise SwitchLost(
            f"the switch of run {holder.run_id} is no longer in Redis, as after a failover to a "
            f"replica that had not received it; searches answer as before; start a new run"
        )
    kept = kept_by(live, generations, holder, unused_texts=True)
    # Staged documents have been switched by now.
    kept = kept._replace(staged="")
    if at.cursor == 0:
        generations.drop_indexes(kept, holder)
    sweep = generations.sweep(kept, at.cursor, holder, keys=SWEPT)
    removed = at.removed + sweep.removed
    if sweep.cursor is not None:
        return Pruning(cursor=sweep.cursor, removed=removed)
    generations.forget(kept, holder)
    generations.finish(holder)
    return Pruning(removed=removed, done=True)
