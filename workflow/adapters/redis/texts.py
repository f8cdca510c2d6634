"""Text records: the Texts port."""

from collections.abc import Sequence
from typing import Any

from workflow.adapters.redis.client import Command, RedisClient, as_text, as_texts, pairs
from workflow.adapters.redis.keys import again_set, text_key
from workflow.contract.holder import Holder
from workflow.contract.ports.texts import NewRecord, TextOrigin, TextRecord

OWN = (b"text", b"embedding", b"refused", b"record_hash")
NOT_COLUMNS = frozenset((*OWN, b"run_id", b"tokens"))
"""Whatever else a record holds is covered by its hash."""


class RedisTexts:
    """`text:...` hashes, and the set of those to embed again."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def records(self, space: str, hashes: Sequence[str]) -> list[TextRecord | None]:
        answers = self._client.ask_hashes(("HGETALL", text_key(space, one)) for one in hashes)
        return [_record(fields) for fields in answers]

    def origins(self, space: str, hashes: Sequence[str]) -> list[TextOrigin | None]:
        answers = self._client.ask_hashes(
            ("HMGET", text_key(space, one), "text", "run_id", "tokens") for one in hashes
        )
        return [_origin(values) for values in answers]

    def write(self, space: str, holder: Holder, records: Sequence[NewRecord]) -> None:
        commands: list[Command] = []
        for one in records:
            key = text_key(space, one.hash)
            commands += [("DEL", key), ("HSET", key, *pairs(_fields(one, holder)))]
            move = "SADD" if one.record.refused else "SREM"
            commands.append((move, again_set(space), one.hash))
        if commands:
            self._client.write_fenced(holder, commands)

    def to_embed_again(self, space: str) -> list[str]:
        return sorted(as_texts(self._client.ask("SMEMBERS", again_set(space))))

    def doubt(self, space: str, holder: Holder, hashes: Sequence[str]) -> None:
        if hashes:
            self._client.write_fenced(holder, [("SADD", again_set(space), *hashes)])


def _fields(new: NewRecord, holder: Holder) -> dict[str, Any]:
    """Without a vector there is no field: an empty one could not be indexed."""
    record = new.record
    own = {
        "text": record.text,
        "embedding": record.vector,
        "refused": record.refused,
        "record_hash": record.record_hash,
    }
    kept = {name: value for name, value in own.items() if value}
    return {**record.columns, **kept, "run_id": holder.identity, "tokens": new.tokens}


def _record(fields: dict[bytes, bytes] | None) -> TextRecord | None:
    """A key that is not a hash gives a record that fails every check."""
    if fields is None:
        return TextRecord("", {}, b"", "", "")
    if not fields:
        return None
    columns = {
        as_text(name): as_text(value) for name, value in fields.items() if name not in NOT_COLUMNS
    }
    text, vector, refused, record_hash = (fields.get(name, b"") for name in OWN)
    return TextRecord(as_text(text), columns, vector, as_text(refused), as_text(record_hash))


def _origin(values: Sequence[bytes | None] | None) -> TextOrigin | None:
    """A key that is not a hash counts as present; verification then names it."""
    if values is None:
        return TextOrigin("", 0)
    text, run, tokens = values
    return None if text is None else TextOrigin(as_text(run or b""), _whole_number(tokens))


def _whole_number(value: bytes | None) -> int:
    return int(value) if value and value.isdigit() else 0
