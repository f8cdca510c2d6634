"""Generations, the fence, and what is live: the Generations port."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from workflow.adapters.redis.client import (
    BATCH,
    SCAN_COUNT,
    Command,
    RedisClient,
    as_text,
    as_texts,
    pairs,
    superseded,
)
from workflow.adapters.redis.indexes import RedisIndexes
from workflow.adapters.redis.keys import (
    GENERATION,
    LIVE,
    TEXT,
    WRITER,
    again_set,
    document_key,
    has_our_form,
    is_being_probed,
    key_set,
    repair_set,
    staged_key,
    swapped_set,
    text_key,
    undo_key,
)
from workflow.adapters.redis.scripts import ADDED, CHANGED, FINISH, REMOVED, SWAP, TAKE_FENCE
from workflow.contract.errors import GenerationMismatch, IndexCommandFailed
from workflow.contract.events.files import Baseline
from workflow.contract.holder import Holder, run_of
from workflow.contract.ports.documents import Fields
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
            *_batched("SREM", repair_set(generation.name), [key for key, _ in keys]),
            *_batched("SADD", repair_set(generation.name), repair),
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
            *_batched("SREM", repair_set(generation.name), [key for key, _ in keys]),
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
        now = self._client.seconds()
        for name in self._indexes.names():
            kind, _, of = name.partition(":")
            if is_being_probed(name, now):
                continue
            if of not in (kept.generations if kind == "drugs" else kept.spaces):
                self._indexes.drop(name, holder)

    def forget(self, kept: Kept, holder: Holder) -> None:
        """Records go last, so that the next run finds and finishes a drop that was interrupted."""
        for one in self.every():
            if one.name not in kept.generations:
                keys = (key_set(one.name), repair_set(one.name), GENERATION + one.name)
                self._client.write_fenced(holder, [("UNLINK", *keys)])
        for space in kept.spaces:
            self._forget_texts_to_embed_again(space, holder)

    def _forget_texts_to_embed_again(self, space: str, holder: Holder) -> None:
        """Those whose record is gone, so that nobody knows what was to be embedded."""
        hashes = as_texts(self._client.ask("SMEMBERS", again_set(space)))
        there = self._client.ask_all(("EXISTS", text_key(space, one)) for one in hashes)
        gone = [one for one, exists in zip(hashes, there, strict=True) if not exists]
        if gone:
            self._client.write_fenced(holder, _batched("SREM", again_set(space), gone))

    def sweep(self, kept: Kept, cursor: int, holder: Holder, *, keys: int) -> Sweep:
        at, seen, removed, now = cursor, 0, 0, self._client.seconds()
        of_undo = self._texts_of_undo(kept.undo) if kept.unused_texts else set()
        while True:
            answer = self._client.ask("SCAN", at, "COUNT", SCAN_COUNT)
            at, found = int(answer[0]), as_texts(answer[1])
            ours = [key for key in found if not is_being_probed(key, now)]
            useless: list[str | bytes] = [*self._useless(ours, kept, of_undo)]
            # A key under our names that is no text is not ours, and nobody could ask for it.
            useless += [
                raw
                for raw, text in zip(answer[1], found, strict=True)
                if has_our_form(text) and text.encode() != raw
            ]
            self._client.unlink(holder, useless)
            removed += len(useless)
            seen += len(found)
            if at == 0:
                return Sweep(None, removed)
            if seen >= keys:
                return Sweep(at, removed)

    def _useless(self, keys: Sequence[str], kept: Kept, of_undo: set[str]) -> list[str]:
        useless = [key for key in keys if _is_of_another(key, kept)]
        if kept.unused_texts:
            texts = [key for key in keys if key.startswith(TEXT) and has_our_form(key)]
            unsure = [key for key in texts if not _is_of_another(key, kept)]
            useless += self._unused(unsure, kept, of_undo)
        return useless

    def _unused(self, keys: Sequence[str], kept: Kept, of_undo: set[str]) -> list[str]:
        """The text records that no kept drug names. Asks the drugs' indexes about each.

        None while an index lacks a drug. That is looked at again behind the answers: a server that
        restarted meanwhile builds its indexes anew, and has answered of the part that it had.
        """
        if not all(map(self._is_whole, kept.generations)):
            return []
        hashes = [key.rpartition(":")[2] for key in keys]
        used = set(of_undo)
        for generation in kept.generations:
            left = [one for one in hashes if one not in used]
            counts = self._indexes.drugs_naming(generation, left)
            used |= {one for one, count in zip(left, counts, strict=True) if count}
        if not all(map(self._is_whole, kept.generations)):
            return []
        return [key for key, one in zip(keys, hashes, strict=True) if one not in used]

    def _is_whole(self, generation: str) -> bool:
        facts = self._indexes.index("drugs", generation)
        drugs = self._client.ask("ZCARD", key_set(generation))
        return facts is not None and not facts.building and facts.documents == int(drugs)

    def _texts_of_undo(self, undo: str) -> set[str]:
        """Documents that a rollback would bring back are in no index."""
        if not undo:
            return set()
        keys = as_texts(self._client.ask("ZRANGE", swapped_set(undo), 0, -1))
        answers = self._client.ask_hashes(
            ("HGET", undo_key(undo, one), "text_hash") for one in keys
        )
        return {as_text(one) for one in answers if one}


def _is_of_another(key: str, kept: Kept) -> bool:
    """Whether a key belongs to a generation, space or run that is not kept."""
    if has_our_form(key):
        prefix, _, rest = key.partition(":")
        match f"{prefix}:":
            case "drug:":
                return not _begins(rest, kept.generations)
            case "text:":
                return rest.rpartition(":")[0] not in kept.spaces
            case "staged:":
                return not _begins(rest, [kept.staged])
            case "undo:":
                return not _begins(rest, [kept.undo])
    for name, owners in (
        (swapped_set(""), [kept.undo]),
        (key_set(""), kept.generations),
        (repair_set(""), kept.generations),
        (again_set(""), kept.spaces),
    ):
        if key.startswith(name):
            return key.removeprefix(name) not in owners
    return False


def _begins(rest: str, owners: Iterable[str]) -> bool:
    """Keys of drugs may hold colons."""
    return any(owner and rest.startswith(f"{owner}:") for owner in owners)


def _live_fields(names: LiveNames, previous: str, *, undo: str) -> dict[str, str]:
    return {
        "generation": names.generation,
        "space": names.space,
        "switch": names.switch,
        "previous": previous,
        "undo": undo,
    }


def _batched(command: str, name: str, members: Sequence[str]) -> list[Command]:
    return [
        (command, name, *members[start : start + BATCH]) for start in range(0, len(members), BATCH)
    ]


def record_command(generation: Generation) -> Command:
    """The command that records a generation's facts."""
    before = generation.before.model_dump_json() if generation.before else ""
    facts = {
        "space": generation.space,
        "space_revision": generation.space_revision,
        "schema": generation.schema,
        "state": generation.state,
        "run_id": generation.run_id,
        "created_at": generation.created_at,
        "published_at": generation.published_at,
        "published_before": generation.published_before,
        "baseline": generation.baseline.model_dump_json(),
        "before": before,
    }
    return ("HSET", GENERATION + generation.name, *pairs(facts))


def generation_of(name: str, fields: Fields) -> Generation:
    """A record read back. A missing field gets its default."""
    facts: dict[str, Any] = {
        key: fields[key]
        for key in (
            *("space", "space_revision", "schema", "state", "run_id", "created_at"),
            *("published_at", "published_before"),
        )
        if key in fields
    }
    for key in ("baseline", "before"):
        if fields.get(key):
            facts[key] = _baseline(f"{GENERATION}{name}", key, fields[key])
    return Generation(name=name, **facts)


def _baseline(record: str, field: str, value: str) -> Baseline:
    try:
        return Baseline.model_validate_json(value)
    except ValueError as error:
        raise GenerationMismatch(
            f"{record}: {field} is {value[:80]!r}, which no run wrote; delete the field, then "
            "start a backfill"
        ) from error
