"""The Redis server."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """FT.INFO, whichever engine answered. `failures` only ever grows."""

    documents: int
    failures: int
    building: bool
    percent: float


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What PlanPages must know of the Redis server. `max_memory` 0 is unlimited."""

    version: str
    max_memory: int
    used_memory: int
    eviction_policy: str


IndexKind = Literal["drugs", "texts"]
