"""Who may write to the index."""

import re
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from pydantic import Field

RUN_ID: Final = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}"
"""A run's name: what Step Functions takes for an execution (80 characters), every file system for a
folder, and no command line for an option. Asked wherever a name enters."""

RunId = Annotated[str, Field(pattern=f"^{RUN_ID}$")]


def is_run_id(name: str) -> bool:
    """Whether a run can be called so."""
    return re.fullmatch(RUN_ID, name) is not None


def run_of(identity: str) -> str:
    """The run's name, of a `Holder.identity`."""
    return identity.rpartition("-")[0]


class Holder(NamedTuple):
    """Who may write: one execution, by its name *and* its start, because names are reused in
    time."""

    run_id: str
    started_at: datetime
    key: str = ""
    """What seals the run's files (contract/seals.py)."""

    @property
    def identity(self) -> str:
        """Unique for ever, and fit for a key: the name and the start's milliseconds in hex."""
        return f"{self.run_id}-{int(self.started_at.timestamp() * 1000):x}"

    @property
    def token(self) -> str:
        """The value of the fence. Later starts sort higher."""
        return f"{int(self.started_at.timestamp() * 1000):014d} {self.run_id}"
