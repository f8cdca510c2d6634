"""Documents, those of a generation and staged ones, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fakes.keys import between
from tests.fakes.memory import Memory
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Document, Fields


class FakeDocuments:
    """Documents and key sets."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def count(self, generation: str) -> int:
        return len(self._memory.key_sets.get(generation, ()))

    def keys_between(self, generation: str, after: str | None, through: str | None) -> list[str]:
        return between(self._memory.key_sets.get(generation, set()), after, through)

    def content_hashes(self, generation: str, ndcs: Sequence[str]) -> list[str | None]:
        return [fields.get("content_hash") for fields in self.read(generation, ndcs)]

    def to_repair(self, generation: str, ndcs: Sequence[str]) -> set[str]:
        return self._memory.repair.get(generation, set()) & set(ndcs)

    def read(self, generation: str, ndcs: Sequence[str]) -> list[Fields]:
        return [dict(self._memory.stored.get((generation, ndc), {})) for ndc in ndcs]

    def read_staged(self, holder: Holder, ndcs: Sequence[str]) -> list[Fields]:
        return [dict(self._memory.staged.get((holder.identity, ndc), {})) for ndc in ndcs]

    def write(self, generation: str, holder: Holder, documents: Sequence[Document]) -> None:
        self._memory.require(holder)
        keys = self._memory.key_sets.setdefault(generation, set())
        for document in documents:
            keys.add(document.ndc)
            self._memory.stored[generation, document.ndc] = dict(document.fields)

    def stage(self, holder: Holder, documents: Sequence[Document]) -> None:
        self._memory.require(holder)
        for document in documents:
            self._memory.staged[holder.identity, document.ndc] = dict(document.fields)

    def leave_out(self, generation: str, holder: Holder, ndcs: Sequence[str]) -> None:
        self._memory.require(holder)
        for ndc in ndcs:
            self._memory.key_sets[generation].discard(ndc)
            self._memory.stored.pop((generation, ndc), None)

    def report_damage(self, generation: str, holder: Holder, ndcs: Sequence[str]) -> None:
        self._memory.require(holder)
        self._memory.repair.setdefault(generation, set()).update(ndcs)

    def rebuild_key_set(self, generation: str, holder: Holder) -> None:
        self._memory.require(holder)
        keys = {ndc for one, ndc in self._memory.stored if one == generation}
        self._memory.key_sets[generation] = keys
