"""PruneIndex: remove what no kept generation uses, a piece at a time."""

from workflow.contract.events.payloads import PruneTask, Pruning
from workflow.contract.ports.documents import Documents
from workflow.contract.ports.generations import Generations, Kept
from workflow.contract.ports.server import Server
from workflow.steps.prune import SWEPT, kept_by


def prune_index(
    task: PruneTask, *, generations: Generations, documents: Documents, server: Server
) -> Pruning:
    """Remove one piece. The state machine calls again with the answer until it is done.

    Raises RunSuperseded.
    """
    holder, at = task.run.holder, task.prune
    kept = kept_by(generations.live(), generations, holder, unused_texts=True)
    kept = _settled(kept, documents, server)
    if at.cursor == 0:
        generations.drop_indexes(kept, holder)
    sweep = generations.sweep(kept, at.cursor, holder, keys=SWEPT)
    removed = at.removed + sweep.removed
    if sweep.cursor is not None:
        return Pruning(cursor=sweep.cursor, removed=removed)
    generations.forget(kept, holder)
    generations.finish(holder)
    return Pruning(removed=removed, done=True)


def _settled(kept: Kept, documents: Documents, server: Server) -> Kept:
    """Staged documents have been switched by now, so they are removed. Unused texts are removed
    only if each kept index has every drug; otherwise it is not certain which are used.
    """
    sure = all(
        (facts := server.index("drugs", one)) is not None
        and not facts.building
        and facts.documents == documents.count(one)
        for one in kept.generations
    )
    return kept._replace(staged="", unused_texts=sure)
