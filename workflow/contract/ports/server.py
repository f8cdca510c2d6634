"""The Redis server and its FT indexes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from workflow.contract.holder import Holder
from workflow.contract.ports.generations import LiveNames

IndexKind = Literal["drugs", "texts"]


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """FT.INFO in one form, whichever engine answered. `failures` never shrinks."""

    documents: int
    failures: int
    building: bool
    percent: float
    unlike: tuple[str, ...] = ()
    """Fields that are missing, too many, or otherwise than we make them."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What PlanPages must know about the Redis server.

    `max_memory` 0 is unlimited. `machine_memory` is 0 if the server does not report it.
    """

    version: str
    max_memory: int
    used_memory: int
    eviction_policy: str
    cluster: bool = False
    machine_memory: int = 0
    limits: Mapping[str, int] = field(default_factory=dict)
    """Figures of the query engine's configuration by their names, such as MAXSEARCHRESULTS; empty
    where the server does not say them."""


class Server(Protocol):
    """Errors: `errors.IndexError_`."""

    def facts(self) -> ServerFacts:
        """Raises IndexFeatureMissing if the server has no search."""
        ...

    def denied(self, commands: Sequence[str]) -> list[str]:
        """The commands that this user may not send for a key of ours."""
        ...

    def index(self, kind: IndexKind, name: str) -> IndexFacts | None:
        """None if the index does not exist."""
        ...

    def schema_digest(self) -> str:
        """The definition of a generation's FT indexes; another one needs a backfill."""
        ...

    def create_indexes(self, names: LiveNames) -> None:
        """Create the FT indexes that are missing."""
        ...

    def rebuild_index(self, kind: IndexKind, names: LiveNames, holder: Holder) -> None:
        """Create an FT index anew; the server fills it from the hashes that exist."""
        ...

    def aliases_point_at(self, names: LiveNames) -> bool:
        """Also true if the engine has no aliases."""
        ...

    def point_aliases(self, names: LiveNames, holder: Holder) -> None:
        """Make the aliases `drugs` and `texts` point at the live indexes again."""
        ...

    def indexed_texts(self, space: str, hashes: list[str]) -> int:
        """How many of these text records the index knows; 0 if it does not exist."""
        ...


class Engine(Protocol):
    """The query engine of the server. Errors: `errors.IndexError_`."""

    def misreadings(self) -> list[str]:
        """The queries that it refuses or answers wrongly, in words.

        Asks over records of its own, and removes them. Raises IndexFeatureMissing if the indexes
        cannot be created.
        """
        ...
