"""The ports in memory. tests/contract holds those with a real twin to the same behaviour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tests.rows import vector_of
from workflow.contract.errors import RunFileMissing, RunSuperseded
from workflow.contract.ports.catalog import RangeRows, Row, UnreadableRow
from workflow.contract.ports.documents import Batch, Fields
from workflow.contract.ports.executions import Execution
from workflow.contract.ports.generations import Generation
from workflow.contract.ports.model import Purpose, TextRefused, Vector
from workflow.contract.ports.texts import Text, TextOrigin, TextRecord
from workflow.contract.rows import read_row

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def clock() -> datetime:
    """It is always noon."""
    return NOW


class FakeRunStore:
    """Objects of one bucket, in a dictionary."""

    def __init__(self, bucket: str = "runs-of-tests") -> None:
        self.bucket = bucket
        self.objects: dict[str, bytes] = {}

    def write(self, key: str, body: bytes) -> None:
        self.objects[key] = body

    def read(self, key: str) -> bytes:
        if key not in self.objects:
            raise RunFileMissing(f"{key} is not there")
        return self.objects[key]

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))


class FakeCatalog:
    """Rows by key, in byte order."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = {str(row["ndc"]): row for row in rows}

    @contextmanager
    def connect(self) -> Iterator[FakeCatalog]:
        yield self

    def columns(self) -> tuple[str, ...]:
        return tuple(next(iter(self._rows.values()), {}))

    def check_key(self, rows_worth_an_index: int) -> None:
        """Dictionaries are indexed."""

    def is_empty(self) -> bool:
        return not self._rows

    def page_end(self, after: str | None, through: str | None, rows: int) -> str | None:
        keys = self._between(after, through)
        return keys[rows - 1] if len(keys) > rows else None

    def key_at(self, after: str | None, through: str | None, offset: int) -> str | None:
        keys = self._between(after, through)
        return keys[offset] if offset < len(keys) else None

    def count(self, after: str | None, through: str | None) -> int:
        return len(self._between(after, through))

    def read_range(
        self, after: str | None, through: str | None, limit: int | None = None
    ) -> RangeRows:
        return self._read(self._between(after, through)[:limit])

    def read_keys(self, keys: Sequence[str]) -> RangeRows:
        return self._read(sorted((key for key in keys if key in self._rows), key=str.encode))

    def _read(self, keys: list[str]) -> RangeRows:
        read = [read_row(self._rows[key]) for key in keys]
        unreadable = [row for row in read if isinstance(row, UnreadableRow)]
        rows = [row for row in read if not isinstance(row, UnreadableRow)]
        return RangeRows(rows, unreadable, keys)

    def _between(self, after: str | None, through: str | None) -> list[str]:
        return between(self._rows, after, through)


class FakeEmbedder:
    """The stand-in's hash vectors. `refuses` says which texts it will not take."""

    def __init__(
        self,
        texts_per_call: int = 1,
        *,
        refuses: Callable[[str], bool] = lambda _: False,
        vector: Callable[[str], bytes] = vector_of,
    ) -> None:
        self.texts_per_call = texts_per_call
        self.calls: list[tuple[str, ...]] = []
        self.error: Exception | None = None
        """Raised by the next call."""
        self._refuses = refuses
        self._vector = vector

    @property
    def embedded(self) -> list[str]:
        return [text for call in self.calls for text in call]

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[Vector]:
        error, self.error = self.error, None
        if error:
            raise error
        self.calls.append(tuple(texts))
        if any(map(self._refuses, texts)):
            raise TextRefused("the text is not to the model's taste")
        return [Vector(self._vector(text), len(text)) for text in texts]


@dataclass
class FakeQuota:
    """Never makes anybody wait; `reserved` is the balance."""

    reserved: int = 0
    block: int = 400

    def reserve(self, tokens: int) -> float:
        self.reserved += tokens
        return 0.0


@dataclass
class FakeExecutions:
    """`others` run, and so does the one that asks."""

    others: list[Execution] = field(default_factory=list)

    def running(self, state_machine_arn: str) -> list[Execution]:
        return self.others


class FakeIndex:
    """Documents, texts, key sets and the fence: what steps read and write but do not search."""

    def __init__(self) -> None:
        self.writer: str | None = None
        self.stored: dict[tuple[str, str], Fields] = {}
        self.key_sets: dict[str, set[str]] = {}
        self.repair: dict[str, set[str]] = {}
        self.records: dict[tuple[str, str], tuple[TextRecord, TextOrigin]] = {}
        self.built: dict[str, Generation] = {}

    # Reading

    def generations(self) -> list[Generation]:
        return [self.built[name] for name in sorted(self.built)]

    def count(self, generation: str) -> int:
        return len(self.key_sets.get(generation, ()))

    def keys_between(self, generation: str, after: str | None, through: str | None) -> list[str]:
        return between(self.key_sets.get(generation, ()), after, through)

    def content_hashes(self, generation: str, ndcs: Sequence[str]) -> list[str | None]:
        return [fields.get("content_hash") for fields in self.documents(generation, ndcs)]

    def text_hashes(self, generation: str, ndcs: Sequence[str]) -> list[str | None]:
        return [fields.get("text_hash") for fields in self.documents(generation, ndcs)]

    def documents(self, generation: str, ndcs: Sequence[str]) -> list[Fields]:
        return [dict(self.stored.get((generation, ndc), {})) for ndc in ndcs]

    def to_repair(self, generation: str, ndcs: Sequence[str]) -> set[str]:
        return self.repair.get(generation, set()) & set(ndcs)

    # Texts

    def text_origins(self, space: str, hashes: Sequence[str]) -> list[TextOrigin | None]:
        found = [self.records.get((space, one)) for one in hashes]
        return [one[1] if one else None for one in found]

    def text_records(self, space: str, hashes: Sequence[str]) -> list[TextRecord | None]:
        found = [self.records.get((space, one)) for one in hashes]
        return [one[0] if one else None for one in found]

    def write_texts(
        self, space: str, run_id: str, records: Sequence[tuple[Text, Vector, str]]
    ) -> None:
        for text, vector, vector_hash in records:
            record = TextRecord(text.text, vector.data, vector_hash)
            self.records[space, text.hash] = (record, TextOrigin(run_id, vector.tokens))

    def texts_of(self, space: str) -> Iterator[str]:
        return iter([hash_ for one, hash_ in self.records if one == space])

    def delete_texts(self, space: str, run_id: str, hashes: Sequence[str]) -> None:
        self._require(run_id)
        for one in hashes:
            self.records.pop((space, one), None)

    # Writing

    def take_fence(self, run_id: str) -> None:
        self.writer = run_id

    def create_generation(self, generation: Generation) -> None:
        self._require(generation.run_id)
        self.built[generation.name] = generation

    def load(self, generation: str, run_id: str, batch: Batch, *, suspect: bool) -> None:
        self._require(run_id)
        self._suspect(generation, suspect)
        keys = self.key_sets.setdefault(generation, set())
        repair = self.repair.setdefault(generation, set())
        for document in batch.upserts:
            keys.add(document.ndc)
            repair.discard(document.ndc)
            self.stored[generation, document.ndc] = dict(document.fields)
        for ndc in batch.removals:
            keys.discard(ndc)
            repair.discard(ndc)
            self.stored.pop((generation, ndc), None)

    def report_damage(
        self, generation: str, run_id: str, ndcs: Sequence[str], *, suspect: bool
    ) -> None:
        self._require(run_id)
        self._suspect(generation, suspect)
        self.repair.setdefault(generation, set()).update(ndcs)

    def rebuild_key_set(self, generation: str, run_id: str) -> None:
        self._require(run_id)
        self.key_sets[generation] = {ndc for one, ndc in self.stored if one == generation}

    def _require(self, run_id: str) -> None:
        if self.writer != run_id:
            raise RunSuperseded(f"run {run_id} may no longer write, {self.writer} may")

    def _suspect(self, generation: str, suspect: bool) -> None:
        if suspect and generation in self.built:
            self.built[generation] = replace(self.built[generation], state="suspect")


def between(
    keys: Mapping[str, object] | set[str] | tuple[()], after: str | None, through: str | None
) -> list[str]:
    """The keys of `(after, through]`, in the order of their UTF-8 bytes."""
    return [
        key
        for key in sorted(keys, key=str.encode)
        if (after is None or key.encode() > after.encode())
        and (through is None or key.encode() <= through.encode())
    ]
