"""Documents and key sets: the Documents port."""

from collections.abc import Sequence

from workflow.adapters.redis.client import (
    BATCH,
    Command,
    RedisClient,
    as_text,
    as_texts,
    decoded,
    pairs,
)
from workflow.adapters.redis.keys import document_key, key_set, repair_set, staged_key
from workflow.contract.holder import Holder
from workflow.contract.ports.documents import Document, Fields


class RedisDocuments:
    """`drug:...` and `staged:...` hashes, `drugs:keys:...`, `drugs:repair:...`."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    # Reading

    def count(self, generation: str) -> int:
        return int(self._client.ask("ZCARD", key_set(generation)))

    def keys_between(self, generation: str, after: str | None, through: str | None) -> list[str]:
        low = "-" if after is None else f"({after}"
        high = "+" if through is None else f"[{through}"
        found = self._client.ask("ZRANGEBYLEX", key_set(generation), low, high)
        # A key whose score someone changed stands elsewhere, and is in another page's answer.
        least, most = (after or "").encode(), None if through is None else through.encode()
        inside = [one for one in found if one > least and (most is None or one <= most)]
        return as_texts(inside)

    def content_hashes(self, generation: str, ndcs: Sequence[str]) -> list[str | None]:
        answers = self._client.ask_hashes(
            ("HGET", document_key(generation, ndc), "content_hash") for ndc in ndcs
        )
        return [None if value is None else as_text(value) for value in answers]

    def to_repair(self, generation: str, ndcs: Sequence[str]) -> set[str]:
        if not ndcs:
            return set()
        members = self._client.ask("SMISMEMBER", repair_set(generation), *ndcs)
        return {ndc for ndc, member in zip(ndcs, members, strict=True) if member}

    def read(self, generation: str, ndcs: Sequence[str]) -> list[Fields]:
        return self._hashes([document_key(generation, ndc) for ndc in ndcs])

    def read_staged(self, holder: Holder, ndcs: Sequence[str]) -> list[Fields]:
        return self._hashes([staged_key(holder.identity, ndc) for ndc in ndcs])

    def _hashes(self, keys: Sequence[str]) -> list[Fields]:
        return [
            decoded(one or {}) for one in self._client.ask_hashes(("HGETALL", key) for key in keys)
        ]

    # Writing

    def write(self, generation: str, holder: Holder, documents: Sequence[Document]) -> None:
        members = [part for document in documents for part in (0, document.ndc)]
        commands: list[Command] = [("ZADD", key_set(generation), *members)]
        commands += _whole_hashes(
            [(document_key(generation, one.ndc), one.fields) for one in documents]
        )
        self._client.write_fenced(holder, commands)

    def stage(self, holder: Holder, documents: Sequence[Document]) -> None:
        hashes = [(staged_key(holder.identity, one.ndc), one.fields) for one in documents]
        self._client.write_fenced(holder, _whole_hashes(hashes))

    def leave_out(self, generation: str, holder: Holder, ndcs: Sequence[str]) -> None:
        for chunk in _chunks(ndcs):
            self._client.write_fenced(
                holder,
                [
                    ("ZREM", key_set(generation), *chunk),
                    ("UNLINK", *(document_key(generation, ndc) for ndc in chunk)),
                ],
            )

    def report_damage(self, generation: str, holder: Holder, ndcs: Sequence[str]) -> None:
        commands: list[Command] = [
            ("SADD", repair_set(generation), *chunk) for chunk in _chunks(ndcs)
        ]
        self._client.write_fenced(holder, commands)

    def rebuild_key_set(self, generation: str, holder: Holder) -> None:
        prefix = document_key(generation, "")
        exist = {key.removeprefix(prefix) for key in self._client.scan(f"{glob(prefix)}*")}
        name = key_set(generation)
        # Beside the old one: what a user put there may have any score, and be no text.
        made = f"{name}:made"
        self._client.write_fenced(holder, [("UNLINK", made)])
        for chunk in _chunks(sorted(exist)):
            members = [part for ndc in chunk for part in (0, ndc)]
            self._client.write_fenced(holder, [("ZADD", made, *members)])
        into = ("RENAME", made, name) if exist else ("UNLINK", name)
        self._client.write_fenced(holder, [into])


def _whole_hashes(hashes: Sequence[tuple[str, Fields]]) -> list[Command]:
    """HSET alone would keep fields that the document no longer has."""
    commands: list[Command] = [("DEL", *(key for key, _ in hashes))] if hashes else []
    return commands + [("HSET", key, *pairs(dict(fields))) for key, fields in hashes]


def _chunks(items: Sequence[str]) -> list[Sequence[str]]:
    return [items[start : start + BATCH] for start in range(0, len(items), BATCH)]


def glob(prefix: str) -> str:
    """A prefix, escaped for SCAN: a run's name may hold characters that patterns interpret."""
    return "".join(f"\\{one}" if one in "*?[]\\^" else one for one in prefix)
