"""What is outside of Redis, in memory: catalog, model, quota, run bucket, executions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.fakes.keys import between
from tests.rows import vector_of
from workflow.contract.errors import RunFileMissing
from workflow.contract.ports.catalog import RangeRows, Row, UnreadableRow
from workflow.contract.ports.executions import Execution
from workflow.contract.ports.model import Purpose, TextRefused, Vector
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

    def server(self) -> str:
        return "a dictionary"

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

    def keys(self, after: str | None, through: str | None) -> list[str]:
        return self._between(after, through)

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
