"""What is kept and what is removed: generations, spaces, staged and old documents, texts."""

from workflow.contract.holder import Holder
from workflow.contract.ports.generations import Generation, Generations, Kept, Live

SWEPT = 250_000
"""Keys of one piece of a sweep; a piece takes some seconds."""


def kept_by(
    live: Live | None,
    generations: Generations,
    holder: Holder,
    target: Generation | None = None,
    *,
    unused_texts: bool = False,
) -> Kept:
    """The live generation, the one before the last backfill, and what this run writes."""
    names = [live.names.generation, live.previous] if live else []
    found = [generations.find(name) for name in names if name]
    kept = [one for one in (*found, target) if one]
    return Kept(
        generations=list(dict.fromkeys(one.name for one in kept)),
        spaces=list(dict.fromkeys(one.space for one in kept)),
        staged=holder.identity,
        undo=live.undo if live else "",
        unused_texts=unused_texts,
    )


def sweep_leftovers(generations: Generations, kept: Kept, holder: Holder) -> int:
    """Remove everything that is not kept, and return the number of keys.

    This frees memory even after a run that used all of it.
    """
    generations.drop_indexes(kept, holder)
    cursor: int | None = 0
    removed = 0
    while cursor is not None:
        cursor, count = generations.sweep(kept, cursor, holder, keys=SWEPT)
        removed += count
    generations.forget(kept, holder)
    return removed
