"""Text records in memory, and the exact search through their vectors."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fakes.memory import Memory
from workflow.contract.holder import Holder
from workflow.contract.ports.search import Hit
from workflow.contract.ports.texts import NewRecord, TextOrigin, TextRecord
from workflow.contract.vectors import cosine, to_floats


class FakeTexts:
    """Text records."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def records(self, space: str, hashes: Sequence[str]) -> list[TextRecord | None]:
        found = [self._memory.kept.get((space, one)) for one in hashes]
        return [one[0] if one else None for one in found]

    def origins(self, space: str, hashes: Sequence[str]) -> list[TextOrigin | None]:
        found = [self._memory.kept.get((space, one)) for one in hashes]
        return [one[1] if one else None for one in found]

    def write(self, space: str, holder: Holder, records: Sequence[NewRecord]) -> None:
        self._memory.require(holder)
        again = self._memory.again.setdefault(space, set())
        for one in records:
            origin = TextOrigin(holder.identity, one.tokens)
            self._memory.kept[space, one.hash] = (one.record, origin)
            (again.add if one.record.refused else again.discard)(one.hash)

    def to_embed_again(self, space: str) -> list[str]:
        return sorted(self._memory.again.get(space, ()))

    def doubt(self, space: str, holder: Holder, hashes: Sequence[str]) -> None:
        self._memory.require(holder)
        self._memory.again.setdefault(space, set()).update(hashes)


class FakeSearch:
    """The part of the search that verification asks: exact, but for the texts in `missed`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.missed: set[str] = set()

    def nearest_texts(self, space: str, vector: bytes, count: int) -> list[Hit]:
        wanted = to_floats(vector)
        hits = [
            Hit(name, 1 - cosine(wanted, to_floats(record.vector)))
            for (one, name), (record, _) in self._memory.kept.items()
            if one == space and record.vector and name not in self.missed
        ]
        return sorted(hits, key=lambda hit: (hit.distance, hit.name))[:count]
