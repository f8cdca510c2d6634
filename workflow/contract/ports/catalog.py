"""The drug catalog."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

Row = Mapping[str, str | None]
"""One catalog row: documented column -> its value as text."""


class UnreadableRow(NamedTuple):
    """A row of the catalog that cannot become a document."""

    ndc: str
    """Bytes that are not text are written `\\xff`."""
    column: str
    value: str
    """The value, or its bytes in hexadecimal (`0x...`); only its beginning if it is long."""
    reason: str
    """What is wrong with it and what to do."""


class RangeRows(NamedTuple):
    """Rows in the order in which the catalog gave them."""

    rows: list[Row]
    """Rows that can become documents."""
    unreadable: list[UnreadableRow]
    keys: list[str]
    """The keys of accepted and rejected rows, in order, up to the limit."""


class CatalogReader(Protocol):
    """An open connection to the catalog. Errors: `errors.CatalogError`."""

    def server(self) -> str:
        """Its name and version."""
        ...

    def columns(self) -> tuple[str, ...]:
        """The documented columns that the catalog has. Raises ColumnMissing, ColumnUnreadable."""
        ...

    def check_key(self, rows_worth_an_index: int) -> None:
        """Raise KeyBlank, or KeyNotIndexed if a range read scans more rows than given."""
        ...

    def is_empty(self) -> bool: ...

    def page_end(self, after: str | None, through: str | None, rows: int) -> str | None:
        """The last key of the page of `rows` rows after `after`; None if no row follows it."""
        ...

    def key_at(self, after: str | None, through: str | None, offset: int) -> str | None:
        """The key after the first `offset` keys of `(after, through]`; None if there are no
        more."""
        ...

    def count(self, after: str | None, through: str | None) -> int:
        """How many rows `(after, through]` has."""
        ...

    def keys(self, after: str | None, through: str | None) -> list[str]:
        """The keys of `(after, through]`, in key order, from one statement."""
        ...

    def read_range(
        self, after: str | None, through: str | None, limit: int | None = None
    ) -> RangeRows:
        """The rows of `(after, through]` in key order, from one statement: `limit` at most."""
        ...

    def read_keys(self, keys: Sequence[str]) -> RangeRows:
        """The rows of these keys that still exist."""
        ...


class Catalog(Protocol):
    """The drug catalog."""

    def connect(self) -> AbstractContextManager[CatalogReader]:
        """Open one connection, closed on leaving. Raises CatalogUnavailable, ...Denied."""
        ...
