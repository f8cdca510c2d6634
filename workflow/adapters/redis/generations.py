"""Generations, the fence, and what is live: the Generations port."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from workflow.adapters.redis.client import (
    Command,
    RedisClient,
    as_text,
    as_texts,
    batched,
    pairs,
    superseded,
)
from workflow.adapters.redis.indexes import RedisIndexes
from workflow.adapters.redis.keys import (
    GENERATION,
    LIVE,
    WRITER,
    document_key,
    key_set,
    repair_set,
    staged_key,
    swapped_set,
    undo_key,
)
from workflow.adapters.redis.pruning import RedisPruning
from workflow.adapters.redis.records import generation_of, record_command
from workflow.adapters.redis.scripts import ADDED, CHANGED, FINISH, REMOVED, SWAP, TAKE_FENCE
from workflow.contract.errors import GenerationMismatch, IndexCommandFailed
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


class RedisGenerations:
    """`drugs:live`, `drugs:generation:...`, `drugs:writer`, `undo:...`."""

    def __init__(self, client: RedisClient, indexes: RedisIndexes) -> None:
        self._client = client
        self._indexes = indexes
        self._pruning = RedisPruning(client, indexes)

    # Reading

    def live(self) -> Live | None:
        fields = self._client.hash(LIVE)
        if not fields:
            return None
        missing = [name for name in ("generation", "space") if not fields.get(name)]
        if missing:
            raise GenerationMismatch(
                f"{LIVE} has no {' and no '.join(missing)}, so that it names no index; delete it, "
                "then start a run, which builds a new one"
            )
        names = LiveNames(fields["generation"], fields["space"], fields.get("switch", ""))
        facts = (fields.get(name, "") for name in ("previous", "undo", "finished"))
        return Live(names, *facts)

    def every(self) -> list[Generation]:
        names = {key.removeprefix(GENERATION) for key in self._client.scan(f"{GENERATION}*")}
        found = [self.find(name) for name in sorted(names)]
        return [one for one in found if one]

    def find(self, name: str) -> Generation | None:
        fields = self._client.hash(GENERATION + name)
        return generation_of(name, fields) if fields else None

    # The fence

    def take_fence(self, holder: Holder) -> str:
        answer = self._client.ask("EVAL", TAKE_FENCE, 1, WRITER, holder.token)
        taken, held, now = as_texts(answer)
        if taken == "no":
            raise superseded(holder, held, float(now))
        return held

    # Writing

    def create(self, generation: Generation, holder: Holder) -> None:
        self._client.write_fenced(holder, [record_command(generation)])

    def publish(self, generation: Generation, previous: str, holder: Holder) -> None:
        names = LiveNames(generation.name, generation.space, holder.identity)
        commands = [
            ("DEL", LIVE),
            ("HSET", LIVE, *pairs(_live_fields(names, previous, undo=""))),
            *self._indexes.alias_commands(names),
            record_command(generation),
        ]
        if previous:
            commands.append(("HSET", GENERATION + previous, "state", "previous"))
        self._client.write_fenced(holder, commands)

    def switch(
        self,
        generation: Generation,
        swap: Swap,
        holder: Holder,
        *,
        repair: Sequence[str] = (),
    ) -> None:
        identity = holder.identity
        keys = [(key, True) for key in swap.written] + [(key, False) for key in swap.removed]
        live = self.live() or Live(LiveNames("", ""))
        names = LiveNames(generation.name, generation.space, identity)
        undo = identity if keys else live.undo
        after: list[Command] = [
            *batched("SREM", repair_set(generation.name), [key for key, _ in keys]),
            *batched("SADD", repair_set(generation.name), repair),
            record_command(generation),
            ("HSET", LIVE, *pairs(_live_fields(names, live.previous, undo=undo))),
        ]
        self._swap(names, staged_key(identity, ""), identity, keys, after, holder)

    def take_back(
        self,
        generation: Generation,
        undo: str,
        switch: str,
        holder: Holder,
        *,
        way_back: str | None = None,
    ) -> Undone:
        answer = self._client.ask("ZRANGE", swapped_set(undo), 0, -1, "WITHSCORES")
        swapped = {as_text(key): int(score) for key, score in answer}
        keys = [(key, score != ADDED) for key, score in swapped.items()]
        undone = self._undone(generation.name, undo, swapped)
        after = [
            *batched("SREM", repair_set(generation.name), [key for key, _ in keys]),
            record_command(generation),
            ("HSET", LIVE, "switch", switch, "undo", undo if way_back is None else way_back),
        ]
        names = LiveNames(generation.name, generation.space, switch)
        self._swap(names, undo_key(undo, ""), undo, keys, after, holder)
        return undone

    def _undone(self, generation: str, undo: str, swapped: Mapping[str, int]) -> Undone:
        """Which side the run's own documents are on says whether its switch stands."""
        again = False
        for key, score in islice(swapped.items(), 1):
            at = undo_key(undo, key) if score == REMOVED else document_key(generation, key)
            by_the_run = self._client.hash(at).get("run_id") == run_of(undo)
            again = by_the_run == (score == REMOVED)
        counts = Counter(swapped.values())
        return Undone(counts[CHANGED], counts[REMOVED], counts[ADDED], again)

    def _swap(
        self,
        names: LiveNames,
        incoming: str,
        undo: str,
        keys: Sequence[tuple[str, bool]],
        after: Iterable[Command],
        holder: Holder,
    ) -> None:
        of, commands = names.generation, [list(map(str, command)) for command in after]
        arguments = [
            *(holder.token, document_key(of, ""), incoming, undo_key(undo, "")),
            *(key_set(of), swapped_set(undo)),
            *(json.dumps(one, ensure_ascii=False) for one in (keys, commands)),
            names.switch,
        ]
        answer = self._client.ask("EVAL", SWAP, 2, WRITER, LIVE, *arguments)
        result, word = as_texts(answer)
        if result == "fence":
            raise superseded(holder, word)
        if result == "missing":
            raise IndexCommandFailed(
                f"the switch of generation {of} was not made: the document of ndc {word!r} "
                "is not where it should be; nothing was changed; start a new run"
            )

    # Removing

    def finish(self, holder: Holder) -> None:
        held = self._client.ask("EVAL", FINISH, 2, WRITER, LIVE, holder.token)
        self._client.require(holder, held)

    def drop_indexes(self, kept: Kept, holder: Holder) -> None:
        self._pruning.drop_indexes(kept, holder)

    def sweep(self, kept: Kept, cursor: int, holder: Holder, *, keys: int) -> Sweep:
        return self._pruning.sweep(kept, cursor, holder, keys=keys)

    def forget(self, kept: Kept, holder: Holder) -> None:
        gone = [one.name for one in self.every() if one.name not in kept.generations]
        self._pruning.forget(gone, kept.spaces, holder)


def _live_fields(names: LiveNames, previous: str, *, undo: str) -> dict[str, str]:
    return {
        "generation": names.generation,
        "space": names.space,
        "switch": names.switch,
        "previous": previous,
        "undo": undo,
    }
