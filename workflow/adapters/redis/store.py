"""Documents, text records and the right to write, in Redis (redis-py).

Commands are given as Redis knows them, so that this file reads beside the key table of the docs.
`redis_search.py` has the FT commands, `redis_quota.py` the shared rate limit.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from itertools import repeat
from typing import Any

from hiredis import pack_command
from redis import Redis
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    WatchError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from workflow.contract.errors import (
    IndexAccessDenied,
    IndexCommandFailed,
    IndexUnavailable,
    MemoryShort,
    RunSuperseded,
    SyncError,
)
from workflow.contract.ports.documents import Batch, Fields
from workflow.contract.ports.generations import Generation, LiveNames
from workflow.contract.ports.model import Vector
from workflow.contract.ports.server import ServerFacts
from workflow.contract.ports.texts import Text, TextOrigin, TextRecord

LIVE = "drugs:live"
WRITER = "drugs:writer"
GENERATION = "drugs:generation:"
SCAN_COUNT = 5000
UNLINK_BATCH = 1000

SET_WHEN_FULL = "#!lua flags=allow-oom\nredis.call('SET', KEYS[1], ARGV[1])"
"""SET is refused once maxmemory is reached; a script may say that it is not (Redis 7)."""

PASSING = ("MISCONF", "LOADING", "MASTERDOWN", "NOREPLICAS", "BUSY ", "TRYAGAIN", "CLUSTERDOWN")
"""Answers of a server that fails over, restarts or is busy: it will answer again."""

Command = tuple[Any, ...]


def document_key(generation: str, ndc: str) -> str:
    return f"drug:{generation}:{ndc}"


def text_key(space: str, text_hash: str) -> str:
    return f"text:{space}:{text_hash}"


def key_set(generation: str) -> str:
    return f"drugs:keys:{generation}"


def repair_set(generation: str) -> str:
    return f"drugs:repair:{generation}"


class CommandPacker:
    """Gives redis-py commands as bytes, by hiredis alone.

    redis-py's own looks at every argument in Python first: 7 us a document instead of 3.
    """

    def pack(self, name: str, *arguments: Any) -> list[bytes]:
        return [pack_command((*name.encode().split(), *arguments))]


class RedisStore:
    """Hashes, sets and the fence. One client, shared by threads, answers as bytes (RESP2)."""

    def __init__(self, client: "Redis") -> None:
        self._client = client

    # Commands

    def ask(self, *command: Any) -> Any:
        """One command."""
        with translated():
            return self._client.execute_command(*command)

    def ask_all(self, commands: Iterable[Command]) -> list[Any]:
        """Many commands in one round trip, each for itself."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return pipe.execute()

    def _ask_hashes(self, commands: Iterable[Command]) -> list[Any]:
        """As `ask_all`; None where a key holds something that is no hash: not written by us."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            found = pipe.execute(raise_on_error=False)
            for one in found:
                if isinstance(one, RedisError) and not str(one).startswith("WRONGTYPE"):
                    raise one
        return [None if isinstance(one, RedisError) else one for one in found]

    def write_fenced(self, run_id: str, commands: Iterable[Command]) -> None:
        """All commands in one transaction, if the run still has the fence: else RunSuperseded."""
        with translated(), self._client.pipeline(transaction=True) as pipe:
            try:
                pipe.watch(WRITER)
                holder = as_text(pipe.execute_command("GET", WRITER) or b"")
                if holder != run_id:
                    raise _superseded(run_id, holder)
                pipe.multi()
                for command in commands:
                    pipe.execute_command(*command)
                pipe.execute()
            except WatchError as error:
                raise self._cut_off(run_id, error) from error

    def _cut_off(self, run_id: str, error: WatchError) -> SyncError:
        """Somebody wrote the fence, or the connection broke: redis-py has one error for both."""
        holder = as_text(self.ask("GET", WRITER) or b"")
        if holder != run_id:
            return _superseded(run_id, holder)
        return IndexUnavailable(f"a transaction of Redis was cut off: {error}")

    def _scan(self, pattern: str) -> Iterator[str]:
        cursor: Any = 0
        while True:
            cursor, keys = self.ask("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT)
            yield from map(as_text, keys)
            if int(cursor) == 0:
                return

    def _unlink(self, run_id: str, keys: Iterable[str]) -> None:
        batch: list[str] = []
        for key in keys:
            batch.append(key)
            if len(batch) == UNLINK_BATCH:
                self.write_fenced(run_id, [("UNLINK", *batch)])
                batch.clear()
        if batch:
            self.write_fenced(run_id, [("UNLINK", *batch)])

    # What the server holds

    def server(self) -> ServerFacts:
        facts = self.ask("INFO")
        return ServerFacts(
            version=str(facts.get("redis_version", "")),
            max_memory=int(facts.get("maxmemory", 0)),
            used_memory=int(facts.get("used_memory", 0)),
            eviction_policy=str(facts.get("maxmemory_policy", "")),
        )

    def live(self) -> LiveNames | None:
        found = self._hash(LIVE)
        return LiveNames(found["generation"], found["space"]) if found else None

    def generations(self) -> list[Generation]:
        names = sorted(key.removeprefix(GENERATION) for key in set(self._scan(f"{GENERATION}*")))
        hashes = [(name, self._hash(GENERATION + name)) for name in names]
        return [_generation(name, found) for name, found in hashes if found]

    def generation(self, name: str) -> Generation | None:
        found = self._hash(GENERATION + name)
        return _generation(name, found) if found else None

    def _hash(self, key: str) -> Fields:
        return decoded(self.ask("HGETALL", key))

    # Reading a generation

    def count(self, generation: str) -> int:
        return int(self.ask("ZCARD", key_set(generation)))

    def keys_between(self, generation: str, after: str | None, through: str | None) -> list[str]:
        low = "-" if after is None else f"({after}"
        high = "+" if through is None else f"[{through}"
        return as_texts(self.ask("ZRANGEBYLEX", key_set(generation), low, high))

    def sample_keys(self, generation: str, count: int) -> list[str]:
        if not count:
            return []
        return as_texts(self.ask("ZRANDMEMBER", key_set(generation), count))

    def content_hashes(self, generation: str, ndcs: Sequence[str]) -> list[str | None]:
        return self._field(generation, ndcs, "content_hash")

    def text_hashes(self, generation: str, ndcs: Sequence[str]) -> list[str | None]:
        return self._field(generation, ndcs, "text_hash")

    def _field(self, generation: str, ndcs: Sequence[str], name: str) -> list[str | None]:
        found = self._ask_hashes(("HGET", document_key(generation, ndc), name) for ndc in ndcs)
        return [None if value is None else as_text(value) for value in found]

    def to_repair(self, generation: str, ndcs: Sequence[str]) -> set[str]:
        if not ndcs:
            return set()
        found = self.ask("SMISMEMBER", repair_set(generation), *ndcs)
        return {ndc for ndc, member in zip(ndcs, found, strict=True) if member}

    def documents(self, generation: str, ndcs: Sequence[str]) -> list[Fields]:
        found = self._ask_hashes(("HGETALL", document_key(generation, ndc)) for ndc in ndcs)
        return [decoded(one or {}) for one in found]

    # Texts

    def text_origins(self, space: str, hashes: Sequence[str]) -> list[TextOrigin | None]:
        names = ("run_id", "tokens")
        found = self._ask_hashes(("HMGET", text_key(space, one), *names) for one in hashes)
        return [_origin(values) for values in found]

    def text_records(self, space: str, hashes: Sequence[str]) -> list[TextRecord | None]:
        names = ("text", "embedding", "vector_hash")
        found = self._ask_hashes(("HMGET", text_key(space, one), *names) for one in hashes)
        return [_record(values) for values in found]

    def write_texts(
        self, space: str, run_id: str, records: Sequence[tuple[Text, Vector, str]]
    ) -> None:
        commands = []
        for text, vector, vector_hash in records:
            record = {
                **text.columns,
                "text": text.text,
                "embedding": vector.data,
                "vector_hash": vector_hash,
                "run_id": run_id,
                "tokens": vector.tokens,
            }
            commands.append(("HSET", text_key(space, text.hash), *_pairs(record)))
        if len(commands) == 1:
            self.ask(*commands[0])
        elif commands:
            self.ask_all(commands)

    def texts_of(self, space: str) -> Iterator[str]:
        prefix = text_key(space, "")
        return (key.removeprefix(prefix) for key in self._scan(f"{prefix}*"))

    def delete_texts(self, space: str, run_id: str, hashes: Sequence[str]) -> None:
        self._unlink(run_id, (text_key(space, one) for one in hashes))

    # Writing

    def take_fence(self, run_id: str) -> None:
        """Also where memory is full: the new run is what frees it."""
        try:
            self.ask("SET", WRITER, run_id)
        except MemoryShort:
            self.ask("EVAL", SET_WHEN_FULL, 1, WRITER, run_id)

    def create_generation(self, generation: Generation) -> None:
        self.write_fenced(generation.run_id, [record_command(generation)])

    def load(self, generation: str, run_id: str, batch: Batch, *, suspect: bool) -> None:
        commands: list[Command] = _suspect(generation) if suspect else []
        written = [document.ndc for document in batch.upserts]
        if written:
            members = [part for ndc in written for part in (0, ndc)]
            commands.append(("ZADD", key_set(generation), *members))
            commands.append(("DEL", *(document_key(generation, ndc) for ndc in written)))
        for document in batch.upserts:
            key = document_key(generation, document.ndc)
            commands.append(("HSET", key, *_pairs(document.fields)))
        if batch.removals:
            commands.append(("DEL", *(document_key(generation, ndc) for ndc in batch.removals)))
            commands.append(("ZREM", key_set(generation), *batch.removals))
        commands.append(("SREM", repair_set(generation), *written, *batch.removals))
        self.write_fenced(run_id, commands)

    def report_damage(
        self, generation: str, run_id: str, ndcs: Sequence[str], *, suspect: bool
    ) -> None:
        commands: list[Command] = _suspect(generation) if suspect else []
        for start in range(0, len(ndcs), UNLINK_BATCH):
            commands.append(("SADD", repair_set(generation), *ndcs[start : start + UNLINK_BATCH]))
        self.write_fenced(run_id, commands)

    def rebuild_key_set(self, generation: str, run_id: str) -> None:
        prefix = document_key(generation, "")
        exist = {key.removeprefix(prefix) for key in self._scan(f"{prefix}*")}
        known = set(self.keys_between(generation, None, None))
        name = key_set(generation)
        commands: list[Command] = [("ZADD", name, 0, ndc) for ndc in sorted(exist - known)]
        commands += [("ZREM", name, ndc) for ndc in sorted(known - exist)]
        self.write_fenced(run_id, commands)


def _suspect(generation: str) -> list[Command]:
    return [("HSET", GENERATION + generation, "state", "suspect")]


def record_command(generation: Generation) -> Command:
    """The command that records a generation's facts."""
    facts = asdict(generation)
    del facts["name"]
    return ("HSET", GENERATION + generation.name, *_pairs(facts))


def _generation(name: str, found: Fields) -> Generation:
    known = {field.name for field in fields(Generation)}
    values: dict[str, Any] = {key: value for key, value in found.items() if key in known}
    return Generation(**{**values, "name": name, "rows": int(values.get("rows", 0))})


def _origin(values: Sequence[bytes | None] | None) -> TextOrigin | None:
    """What is no hash counts as there: VerifyIndex names it and clears it away."""
    run_id, tokens = (b"", b"0") if values is None else values
    return None if run_id is None else TextOrigin(as_text(run_id), _whole(tokens))


def _whole(value: bytes | None) -> int:
    return int(value) if value and value.isdigit() else 0


def _record(values: Sequence[bytes | None] | None) -> TextRecord | None:
    text, vector, vector_hash = (b"", b"", b"") if values is None else values
    if text is None and vector is None:
        return None
    return TextRecord(as_text(text or b""), vector or b"", as_text(vector_hash or b""))


def _pairs(mapping: dict[str, Any]) -> list[Any]:
    return [part for pair in mapping.items() for part in pair]


def as_text(value: bytes) -> str:
    """Bytes that are no UTF-8 were not written by us; they shall not match, and not crash."""
    return value.decode("utf-8", "replace")


def as_texts(values: Iterable[bytes]) -> list[str]:
    """As `as_text`, without a call in Python for each."""
    return list(map(str, values, repeat("utf-8"), repeat("replace")))


def decoded(found: dict[bytes, bytes]) -> Fields:
    return dict(zip(as_texts(found), as_texts(found.values()), strict=True))


def _superseded(run_id: str, holder: str) -> RunSuperseded:
    return RunSuperseded(
        f"run {run_id} may no longer write, {holder or 'no run'} may; start a new run, texts that "
        "are embedded already are kept"
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into ours, once, with the cause kept."""
    try:
        yield
    except RedisError as error:
        raise _translate(error) from error


def _translate(error: RedisError) -> SyncError:
    words = str(error)
    if isinstance(error, AuthenticationError | AuthorizationError | NoPermissionError):
        return IndexAccessDenied(f"Redis refused the user: {words}; check redis_secret_arn and ACL")
    if isinstance(error, OutOfMemoryError):
        return MemoryShort(
            f"Redis is full: {words}; raise maxmemory and start a new run, which first drops what "
            "this one left half built"
        )
    passing = (RedisConnectionError, RedisTimeoutError, BusyLoadingError, ReadOnlyError)
    if isinstance(error, passing) or words.startswith(PASSING):
        return IndexUnavailable(f"Redis cannot answer or write now: {words}")
    return IndexCommandFailed(f"Redis refused a command: {words}")
