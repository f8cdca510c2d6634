"""The ports in memory. tests/contract holds those with a real twin to the same behaviour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.rows import vector_of
from workflow.contract.errors import RunFileMissing, RunSuperseded
from workflow.contract.holder import Holder
from workflow.contract.ports.catalog import RangeRows, Row, UnreadableRow
from workflow.contract.ports.documents import Document, Fields
from workflow.contract.ports.executions import Execution
from workflow.contract.ports.model import Purpose, TextRefused, Vector
from workflow.contract.ports.texts import NewRecord, TextOrigin, TextRecord
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


@dataclass
class FakeIndex:
    """One Redis in memory: what steps read and write but do not search, by port."""

    writer: str = ""
    stored: dict[tuple[str, str], Fields] = field(default_factory=dict)
    staged: dict[tuple[str, str], Fields] = field(default_factory=dict)
    key_sets: dict[str, set[str]] = field(default_factory=dict)
    repair: dict[str, set[str]] = field(default_factory=dict)
    kept: dict[tuple[str, str], tuple[TextRecord, TextOrigin]] = field(default_factory=dict)
    again: dict[str, set[str]] = field(default_factory=dict)

    @property
    def documents(self) -> FakeDocuments:
        return FakeDocuments(self)

    @property
    def texts(self) -> FakeTexts:
        return FakeTexts(self)

    def require(self, holder: Holder) -> None:
        if self.writer != holder.token:
            raise RunSuperseded(f"run {holder.run_id} may no longer write, {self.writer} may")


class FakeDocuments:
    """Documents and key sets."""

    def __init__(self, index: FakeIndex) -> None:
        self._index = index

    def count(self, generation: str) -> int:
        return len(self._index.key_sets.get(generation, ()))

    def keys_between(self, generation: str, after: str | None, through: str | None) -> list[str]:
        return between(self._index.key_sets.get(generation, set()), after, through)

    def content_hashes(self, generation: str, ndcs: Sequence[str]) -> list[str | None]:
        return [fields.get("content_hash") for fields in self.read(generation, ndcs)]

    def to_repair(self, generation: str, ndcs: Sequence[str]) -> set[str]:
        return self._index.repair.get(generation, set()) & set(ndcs)

    def read(self, generation: str, ndcs: Sequence[str]) -> list[Fields]:
        return [dict(self._index.stored.get((generation, ndc), {})) for ndc in ndcs]

    def read_staged(self, holder: Holder, ndcs: Sequence[str]) -> list[Fields]:
        return [dict(self._index.staged.get((holder.identity, ndc), {})) for ndc in ndcs]

    def write(self, generation: str, holder: Holder, documents: Sequence[Document]) -> None:
        self._index.require(holder)
        keys = self._index.key_sets.setdefault(generation, set())
        for document in documents:
            keys.add(document.ndc)
            self._index.stored[generation, document.ndc] = dict(document.fields)

    def stage(self, holder: Holder, documents: Sequence[Document]) -> None:
        self._index.require(holder)
        for document in documents:
            self._index.staged[holder.identity, document.ndc] = dict(document.fields)

    def leave_out(self, generation: str, holder: Holder, ndcs: Sequence[str]) -> None:
        self._index.require(holder)
        for ndc in ndcs:
            self._index.key_sets[generation].discard(ndc)
            self._index.stored.pop((generation, ndc), None)

    def report_damage(self, generation: str, holder: Holder, ndcs: Sequence[str]) -> None:
        self._index.require(holder)
        self._index.repair.setdefault(generation, set()).update(ndcs)

    def rebuild_key_set(self, generation: str, holder: Holder) -> None:
        self._index.require(holder)
        keys = {ndc for one, ndc in self._index.stored if one == generation}
        self._index.key_sets[generation] = keys


class FakeTexts:
    """Text records."""

    def __init__(self, index: FakeIndex) -> None:
        self._index = index

    def records(self, space: str, hashes: Sequence[str]) -> list[TextRecord | None]:
        found = [self._index.kept.get((space, one)) for one in hashes]
        return [one[0] if one else None for one in found]

    def origins(self, space: str, hashes: Sequence[str]) -> list[TextOrigin | None]:
        found = [self._index.kept.get((space, one)) for one in hashes]
        return [one[1] if one else None for one in found]

    def write(self, space: str, holder: Holder, records: Sequence[NewRecord]) -> None:
        self._index.require(holder)
        again = self._index.again.setdefault(space, set())
        for one in records:
            origin = TextOrigin(holder.identity, one.tokens)
            self._index.kept[space, one.hash] = (one.record, origin)
            (again.add if one.record.refused else again.discard)(one.hash)

    def to_embed_again(self, space: str) -> list[str]:
        return sorted(self._index.again.get(space, ()))

    def doubt(self, space: str, holder: Holder, hashes: Sequence[str]) -> None:
        self._index.require(holder)
        self._index.again.setdefault(space, set()).update(hashes)


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
