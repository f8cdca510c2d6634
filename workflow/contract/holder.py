"""Who may write to the index."""

from datetime import datetime
from typing import NamedTuple


def run_of(identity: str) -> str:
    """The run's name, of a `Holder.identity`."""
    return identity.rpartition("-")[0]


class Holder(NamedTuple):
    """Who may write: one execution, by its name *and* its start, because names are reused in
    time."""

    run_id: str
    started_at: datetime

    @property
    def identity(self) -> str:
        """Unique for ever, and fit for a key: the name and the start's milliseconds in hex."""
        return f"{self.run_id}-{int(self.started_at.timestamp() * 1000):x}"

    @property
    def token(self) -> str:
        """The value of the fence. Later starts sort higher."""
        return f"{int(self.started_at.timestamp() * 1000):014d} {self.run_id}"
