"""The base of every payload and file of a run: frozen, and closed to unknown fields."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Mode = Literal["sync", "backfill", "verify"]

Guard = Literal["deletes", "profile", "budget", "rejects", "switch", "time"]
Acceptable = Literal["deletes", "profile", "budget", "rejects", "time"]
"""Guards that the input may accept. A switch that is too large needs a backfill instead."""

RunStatus = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


class Event(BaseModel):
    """Frozen; an unknown field is an error. Built at its first use: no function needs all."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @property
    def where(self) -> str:
        """The run and page, for messages and log lines."""
        return ""
