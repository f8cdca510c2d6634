"""Rollback: undo the last switch, or go back to the generation before the last backfill."""

from dataclasses import replace
from typing import NamedTuple

from workflow.contract.errors import IndexCommandFailed, NothingToRollBack
from workflow.contract.holder import Holder, run_of
from workflow.contract.ports.generations import Generation, Generations, Live, Undone
from workflow.contract.ports.server import Server


class WentBack(NamedTuple):
    """What is live now. `run` and `undone` are of the sync whose switch was taken back."""

    generation: Generation
    run: str = ""
    undone: Undone | None = None


def roll_back(
    generations: Generations, server: Server, holder: Holder, *, generation: str = ""
) -> WentBack:
    """What is live now. Without a name it undoes the last switch; a second call redoes it.

    Takes the fence: a run that is under way may no longer write. Raises NothingToRollBack.
    """
    live = generations.live()
    if live is None:
        raise NothingToRollBack("there is no live index yet; the first sync builds it")
    if generation and generation not in (live.previous, live.names.generation):
        raise NothingToRollBack(
            f"there is no generation {generation!r} to go back to; the one before the last "
            f"backfill is {live.previous or 'none'}"
        )
    if live.undo and generation in ("", live.names.generation):
        return _undo(generations, live, holder)
    if generation == live.names.generation:
        raise NothingToRollBack(
            f"generation {generation} is live, and no sync has changed it since"
        )
    return _to_previous(generations, server, live, holder)


def _undo(generations: Generations, live: Live, holder: Holder) -> WentBack:
    """Put the documents before the last sync back in their place."""
    now = generations.find(live.names.generation)
    if now is None:
        raise NothingToRollBack(f"the record of generation {live.names.generation} is gone")
    _take_fence(generations, live, holder)
    back = now.undone()
    try:
        undone = generations.take_back(back, live.undo, holder.identity, holder)
    except IndexCommandFailed as error:
        raise NothingToRollBack(f"the last sync cannot be undone: {error}; start a sync") from error
    return WentBack(back, run_of(live.undo), undone)


def _to_previous(generations: Generations, server: Server, live: Live, holder: Holder) -> WentBack:
    previous = generations.find(live.previous) if live.previous else None
    if previous is None:
        raise NothingToRollBack(
            "there was no switch since the index was built, and there is no generation from "
            "before a backfill"
        )
    gone = [
        f"index {kind}:{name}"
        for kind, name in (("drugs", previous.name), ("texts", previous.space))
        if server.index(kind, name) is None  # type: ignore[arg-type]
    ]
    if gone:
        raise NothingToRollBack(
            f"the previous generation {previous.name} cannot be searched: {' and '.join(gone)} "
            "is gone; start a backfill"
        )
    _take_fence(generations, live, holder)
    back = replace(previous, state="live")
    generations.publish(back, live.names.generation, holder)
    return WentBack(back)


def _take_fence(generations: Generations, live: Live, holder: Holder) -> None:
    """From here on nobody else switches or prunes; what was read before must still be so."""
    generations.take_fence(holder)
    now = generations.live()
    if now is None or now.names != live.names:
        raise NothingToRollBack(
            f"another run published generation {now.names.generation if now else 'none'}; "
            "check it, then try again"
        )
