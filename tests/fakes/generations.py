"""Generations, the fence and the switch, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.fakes.memory import Memory, Owned
from tests.fakes.server import FakeServer
from workflow.contract.errors import IndexCommandFailed, RunSuperseded
from workflow.contract.holder import Holder, run_of
from workflow.contract.ports.generations import (
    Generation,
    Kept,
    Live,
    LiveNames,
    Swap,
    Sweep,
    Undone,
)


class FakeGenerations:
    """Generations, the right to write, and what is live."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def live(self) -> Live | None:
        return self._memory.live

    def every(self) -> list[Generation]:
        return [one for _, one in sorted(self._memory.records.items())]

    def find(self, name: str) -> Generation | None:
        return self._memory.records.get(name)

    def take_fence(self, holder: Holder) -> str:
        held = self._memory.writer
        if held[:14] > holder.token[:14]:
            raise RunSuperseded(f"run {holder.run_id} may no longer write, {held[15:]} may")
        self._memory.writer = holder.token
        return held

    def create(self, generation: Generation, holder: Holder) -> None:
        self._memory.require(holder)
        self._memory.records[generation.name] = generation

    def publish(self, generation: Generation, previous: str, holder: Holder) -> None:
        self.create(generation, holder)
        names = LiveNames(generation.name, generation.space, holder.identity)
        self._memory.live = Live(names, previous)
        if previous:
            before = self._memory.records[previous]
            self._memory.records[previous] = replace(before, state="previous")

    def switch(
        self, generation: Generation, swap: Swap, holder: Holder, *, repair: Sequence[str] = ()
    ) -> None:
        memory, identity = self._memory, holder.identity
        memory.require(holder)
        keys = dict.fromkeys(swap.written, True) | dict.fromkeys(swap.removed, False)
        self._exchange(generation, memory.staged, identity, keys)
        memory.repair[generation.name] |= set(repair)
        live = memory.live or Live(LiveNames("", ""))
        names = LiveNames(generation.name, generation.space, identity)
        memory.live = live._replace(names=names, undo=identity if keys else live.undo)

    def take_back(
        self,
        generation: Generation,
        undo: str,
        switch: str,
        holder: Holder,
        *,
        way_back: str | None = None,
    ) -> Undone:
        self._memory.require(holder)
        keys = dict(self._memory.swapped.get(undo, {}))
        undone = self._undone(generation.name, undo, keys)
        self._exchange(generation, self._memory.undo, undo, keys)
        if self._memory.live:
            names = self._memory.live.names._replace(switch=switch)
            way = undo if way_back is None else way_back
            self._memory.live = self._memory.live._replace(names=names, undo=way)
        return undone

    def _undone(self, name: str, undo: str, keys: dict[str, bool]) -> Undone:
        stored = self._memory.stored
        there = {key for key in keys if (name, key) in stored}
        first = next(iter(sorted(keys)), "")
        document = stored.get((name, first)) or self._memory.undo.get((undo, first), {})
        by_the_run = document.get("run_id") == run_of(undo)
        return Undone(
            changed=sum(keys[key] for key in there),
            added=len(keys.keys() - there),
            removed=sum(not keys[key] for key in there),
            again=bool(keys) and by_the_run != (first in there),
        )

    def _exchange(
        self, generation: Generation, incoming: Owned, undo: str, keys: dict[str, bool]
    ) -> None:
        """Each key comes with whether a document comes in."""
        memory, name = self._memory, generation.name
        for key, comes in keys.items():
            if ((undo, key) in incoming) != comes:
                raise IndexCommandFailed(f"the document of ndc {key!r} is not where it should be")
        for key, comes in keys.items():
            old = memory.stored.pop((name, key), None)
            new = incoming.pop((undo, key), None)
            memory.key_sets.setdefault(name, set()).discard(key)
            if new is not None:
                memory.stored[name, key] = new
                memory.key_sets[name].add(key)
            if old is not None:
                memory.undo[undo, key] = old
            if comes or old is not None:
                memory.swapped.setdefault(undo, {})[key] = old is not None
        memory.repair[name] = memory.repair.get(name, set()) - keys.keys()
        memory.records[name] = generation

    def finish(self, holder: Holder) -> None:
        self._memory.require(holder)
        if self._memory.live:
            self._memory.live = self._memory.live._replace(finished=holder.token)

    def sweep(self, kept: Kept, cursor: int, holder: Holder, *, keys: int) -> Sweep:
        self._memory.require(holder)
        memory = self._memory
        useless: list[tuple[Owned, tuple[str, str]]] = []
        for owned, owners in (
            (memory.stored, kept.generations),
            (memory.staged, [kept.staged]),
            (memory.undo, [kept.undo]),
        ):
            useless += [(owned, key) for key in owned if key[0] not in owners]
        for owned, key in useless[:keys]:
            del owned[key]
        texts = self._useless_texts(kept)
        for key in texts[: keys - len(useless[:keys])]:
            del memory.kept[key]
        left = len(useless) + len(texts) - keys
        return Sweep(cursor + 1 if left > 0 else None, min(keys, len(useless) + len(texts)))

    def _useless_texts(self, kept: Kept) -> list[tuple[str, str]]:
        memory = self._memory
        used = {one.get("text_hash") for owned, one in memory.stored.items()}
        used |= {one.get("text_hash") for owned, one in memory.undo.items()}
        sure = kept.unused_texts and all(map(self._is_whole, kept.generations))
        return [
            (space, one)
            for space, one in memory.kept
            if space not in kept.spaces or (sure and one not in used)
        ]

    def _is_whole(self, generation: str) -> bool:
        facts = FakeServer(self._memory).index("drugs", generation)
        held = sum(owner == generation for owner, _ in self._memory.stored)
        return facts is not None and not facts.building and facts.documents == held

    def drop_indexes(self, kept: Kept, holder: Holder) -> None:
        self._memory.require(holder)
        self._memory.indexes -= {
            (kind, name)
            for kind, name in self._memory.indexes
            if name not in (kept.generations if kind == "drugs" else kept.spaces)
        }

    def forget(self, kept: Kept, holder: Holder) -> None:
        self._memory.require(holder)
        for name in self._memory.records.keys() - set(kept.generations):
            for of in (self._memory.records, self._memory.key_sets, self._memory.repair):
                of.pop(name, None)  # type: ignore[attr-defined]
        for space in kept.spaces:
            there = {name for of, name in self._memory.kept if of == space}
            self._memory.again[space] = self._memory.again.get(space, set()) & there
