"""What one Redis holds, in dictionaries; the ports beside it read and write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from workflow.contract.errors import RunSuperseded
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import Generation, Live
from workflow.contract.ports.server import IndexKind, ServerFacts
from workflow.contract.ports.texts import TextOrigin, TextRecord

Owned = dict[tuple[str, str], Fields]
"""(generation or identity of a run, ndc) -> a document."""

EMPTY_SERVER = ServerFacts("8.2.9", max_memory=0, used_memory=0, eviction_policy="noeviction")


@dataclass
class Memory:
    """One Redis."""

    writer: str = ""
    stored: Owned = field(default_factory=dict)
    staged: Owned = field(default_factory=dict)
    undo: Owned = field(default_factory=dict)
    swapped: dict[str, dict[str, bool]] = field(default_factory=dict)
    """Identity of a run -> key -> whether a document went out when its switch was made."""
    key_sets: dict[str, set[str]] = field(default_factory=dict)
    repair: dict[str, set[str]] = field(default_factory=dict)
    kept: dict[tuple[str, str], tuple[TextRecord, TextOrigin]] = field(default_factory=dict)
    again: dict[str, set[str]] = field(default_factory=dict)
    records: dict[str, Generation] = field(default_factory=dict)
    live: Live | None = None
    indexes: set[tuple[IndexKind, str]] = field(default_factory=set)
    said: dict[tuple[IndexKind, str], dict[str, Any]] = field(default_factory=dict)
    """What FT.INFO says otherwise than is the case: a test's fault."""
    facts: ServerFacts = EMPTY_SERVER
    schema: str = "schema"

    def require(self, holder: Holder) -> None:
        """Raise RunSuperseded where the fence is not this run's."""
        if self.writer != holder.token:
            raise RunSuperseded(f"run {holder.run_id} may no longer write, {self.writer} may")
