"""What every payload and file of a run is: frozen, closed, and named in messages."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

Mode = Literal["sync", "backfill"]

Guard = Literal["deletes", "profile", "budget", "rejects"]

RunStatus = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]

Checksum = Annotated[
    int,
    BeforeValidator(lambda value: int(value, 16) if isinstance(value, str) else value),
    PlainSerializer(lambda value: f"{value:032x}", return_type=str),
]
"""A sum of content hashes mod 2^128: 32 hex digits in JSON."""


class Event(BaseModel):
    """Frozen; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def where(self) -> str:
        """The run and page, for messages and log lines."""
        return ""
