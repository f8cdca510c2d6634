"""Generations."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

GenerationState = Literal["building", "live", "suspect", "previous"]


class LiveNames(NamedTuple):
    """What searches are answered from."""

    generation: str
    space: str


@dataclass(frozen=True, slots=True)
class Generation:
    """One complete set of documents. `profile` is JSON: `events.ColumnProfile` by column."""

    name: str
    space: str
    space_revision: str
    schema: str
    state: GenerationState
    run_id: str
    created_at: str
    published_at: str = ""
    rows: int = 0
    """Catalog rows at the last full publish."""
    profile: str = "{}"
    last: str = "null"
    """JSON: `events.LastRun`."""
