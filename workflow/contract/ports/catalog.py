"""The drug catalog."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

Row = Mapping[str, str | None]
"""One catalog row: documented column -> the value as MySQL casts it to CHAR."""


class CatalogReader(Protocol):
    """An open connection to the catalog. Errors: `errors.CatalogError`."""

    def columns(self) -> tuple[str, ...]:
        """The documented columns that the catalog has."""
        ...

    def check_key(self, rows_worth_an_index: int) -> None:
        """Raise KeyBlank, or KeyNotIndexed where a range read scans more rows than given."""
        ...

    def is_empty(self) -> bool: ...

    def page_end(self, after: str | None, through: str | None, rows: int) -> str | None:
        """The last key of the page of `rows` rows behind `after`; None where no row follows it."""
        ...

    def key_at(self, after: str | None, through: str | None, offset: int) -> str | None:
        """The key behind `offset` others of `(after, through]`; None where there is none."""
        ...

    def count(self, after: str | None, through: str | None) -> int:
        """How many rows `(after, through]` has."""
        ...

    def read_range(self, after: str | None, through: str | None, limit: int) -> Iterator[Row]:
        """The first `limit` rows of `(after, through]` in key order, from one statement."""
        ...

    def read_keys(self, keys: Sequence[str]) -> Iterator[Row]:
        """The rows of these keys that still exist."""
        ...


class Catalog(Protocol):
    """The drug catalog."""

    def connect(self) -> AbstractContextManager[CatalogReader]:
        """Open one connection, closed on leaving. Raises CatalogUnavailable, ...Denied."""
        ...
