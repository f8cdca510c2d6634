"""An index that is still being built finds too little, so its state is retried.

Redis builds an index next to its other work: after FT.CREATE over hashes that exist, and after it
loaded them from disk.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from workflow.contract.errors import IndexBuildStalled, IndexStillBuilding
from workflow.contract.events.files import Building
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.server import IndexFacts, IndexKind, Server
from workflow.contract.runs import RunFiles

Look = Callable[[IndexKind, str], IndexFacts | None]
"""`built` for one state."""

STALLED: Final = timedelta(minutes=10)
"""After this long without progress, the index is no longer being built."""


def built(
    kind: IndexKind, name: str, progress: str, *, server: Server, files: RunFiles, clock: Clock
) -> IndexFacts | None:
    """What is known of an index that is not being built; None where there is none.

    `progress` is the run's file in which the state notes how far the index was. Raises
    IndexStillBuilding, or IndexBuildStalled if it made no progress for `STALLED`.
    """
    facts = server.index(kind, name)
    if facts and facts.building:
        now = Building(index=f"{kind}:{name}", percent=facts.percent, at=clock())
        _note(now, files, progress)
        raise IndexStillBuilding(f"index {now.index} is {now.percent:.0%} built; this is retried")
    return facts


def _note(now: Building, files: RunFiles, progress: str) -> None:
    before = files.read_if_there(progress, Building)
    if before is None or (before.index, before.percent) != (now.index, now.percent):
        files.write(progress, now)
    elif now.at - before.at > STALLED:
        minutes = (now.at - before.at).total_seconds() / 60
        raise IndexBuildStalled(
            f"index {now.index} has been {now.percent:.0%} built for {minutes:.0f} minutes; check "
            "the server's log and load, then redrive the execution"
        )
