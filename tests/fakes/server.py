"""The server and its FT indexes, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.fakes.memory import Memory
from workflow.contract.holder import Holder
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.server import IndexFacts, IndexKind, ServerFacts


class FakeServer:
    """An index knows every hash at once, unless a test lets it say otherwise."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.aliases: LiveNames | None = None
        self.rebuilt: list[IndexKind] = []

    def facts(self) -> ServerFacts:
        return self._memory.facts

    def denied(self, commands: Sequence[str]) -> list[str]:
        """Everything is allowed."""
        return []

    def index(self, kind: IndexKind, name: str) -> IndexFacts | None:
        if (kind, name) not in self._memory.indexes:
            return None
        held = self._memory.stored if kind == "drugs" else self._memory.kept
        count = sum(owner == name for owner, _ in held)
        facts = IndexFacts(documents=count, failures=0, building=False, percent=1.0)
        return replace(facts, **self._memory.said.get((kind, name), {}))

    def schema_digest(self) -> str:
        return self._memory.schema

    def create_indexes(self, names: LiveNames) -> None:
        self._memory.indexes |= {("drugs", names.generation), ("texts", names.space)}

    def rebuild_index(self, kind: IndexKind, names: LiveNames, holder: Holder) -> None:
        self._memory.require(holder)
        self._memory.said.pop((kind, names.generation if kind == "drugs" else names.space), None)
        self.rebuilt.append(kind)
        self.create_indexes(names)

    def aliases_point_at(self, names: LiveNames) -> bool:
        return self.aliases is not None and self.aliases[:2] == names[:2]

    def point_aliases(self, names: LiveNames, holder: Holder) -> None:
        self._memory.require(holder)
        self.aliases = names

    def indexed_texts(self, space: str, hashes: list[str]) -> int:
        facts = self.index("texts", space)
        return min(len(hashes), facts.documents) if facts else 0


class FakeEngine:
    """Reads every query as it is meant, unless a test says otherwise."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def misreadings(self) -> list[str]:
        return self.wrong
