"""Removes what no kept generation, space or run uses: the pruning half of the Generations port."""

from collections.abc import Iterable, Sequence

from workflow.adapters.redis.client import SCAN_COUNT, RedisClient, as_text, as_texts, batched
from workflow.adapters.redis.indexes import RedisIndexes
from workflow.adapters.redis.keys import (
    GENERATION,
    TEXT,
    again_set,
    has_our_form,
    is_being_probed,
    key_set,
    repair_set,
    swapped_set,
    text_key,
    undo_key,
)
from workflow.contract.holder import Holder
from workflow.contract.ports.generations import Kept, Sweep


class RedisPruning:
    """A key belongs to the generation, space or run that its name begins with."""

    def __init__(self, client: RedisClient, indexes: RedisIndexes) -> None:
        self._client = client
        self._indexes = indexes

    def drop_indexes(self, kept: Kept, holder: Holder) -> None:
        now = self._client.seconds()
        for name in self._indexes.names():
            kind, _, of = name.partition(":")
            if is_being_probed(name, now):
                continue
            if of not in (kept.generations if kind == "drugs" else kept.spaces):
                self._indexes.drop(name, holder)

    def forget(self, generations: Sequence[str], spaces: Sequence[str], holder: Holder) -> None:
        """Of generations that are gone, what names them; of spaces, texts to embed that are gone.

        Records go last, so that the next run finds and finishes a drop that was interrupted.
        """
        for name in generations:
            keys = (key_set(name), repair_set(name), GENERATION + name)
            self._client.write_fenced(holder, [("UNLINK", *keys)])
        for space in spaces:
            self._forget_texts_to_embed_again(space, holder)

    def _forget_texts_to_embed_again(self, space: str, holder: Holder) -> None:
        """Those whose record is gone, so that nobody knows what was to be embedded."""
        hashes = as_texts(self._client.ask("SMEMBERS", again_set(space)))
        there = self._client.ask_all(("EXISTS", text_key(space, one)) for one in hashes)
        gone = [one for one, exists in zip(hashes, there, strict=True) if not exists]
        if gone:
            self._client.write_fenced(holder, batched("SREM", again_set(space), gone))

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
