"""What the server sent for a page -> rows that can become documents, and rejected rows."""

from collections.abc import Sequence
from typing import Final

from workflow.adapters.mysql.columns import Column
from workflow.contract.columns import KEY
from workflow.contract.ports.catalog import RangeRows, Row, UnreadableRow
from workflow.contract.rows import read_row, unreadable

NOT_UTF8: Final = "is not UTF-8; CONVERT it in the view, or correct the value"

Values = Sequence[bytes | None]
"""The columns' values, then the values of their checks."""


def read_rows(columns: Sequence[Column], found: Sequence[Values]) -> RangeRows:
    """Rows in the order of the answer. The first column is the key."""
    rows = RangeRows([], [], [])
    names = [column.name for column in columns]
    for values in found:
        row = _read(columns, names, values)
        if isinstance(row, UnreadableRow):
            rows.keys.append(text(values[0]))
            rows.unreadable.append(row)
        else:
            rows.keys.append(row[KEY] or "")
            rows.rows.append(row)
    return rows


def text(value: bytes | bytearray | str | None) -> str:
    """Bytes as text; those that are not UTF-8 are written `\\xff`."""
    if value is None:
        return ""
    return value if isinstance(value, str) else bytes(value).decode(errors="backslashreplace")


def _read(columns: Sequence[Column], names: Sequence[str], values: Values) -> Row | UnreadableRow:
    try:
        texts = [None if value is None else value.decode() for value in values]
    except UnicodeDecodeError:
        return _undecodable(columns, values)
    row = dict(zip(names, texts, strict=False))
    if len(texts) > len(names):
        lost = _lost(columns, row, texts[len(names) :])
        if lost:
            return lost
    return read_row(row)


def _undecodable(columns: Sequence[Column], values: Values) -> UnreadableRow:
    row = {KEY: text(values[0])}
    for column, value in zip(columns, values, strict=False):
        if value is not None and text(value).encode() != value:
            return unreadable(row, column.name, f"0x{bytes(value).hex()}", NOT_UTF8)
    raise AssertionError("a check is ASCII")


def _lost(
    columns: Sequence[Column], row: Row, checks: Sequence[str | None]
) -> UnreadableRow | None:
    """If a check has a value, the column's value may differ from the catalog's."""
    checked = [column for column in columns if column.check]
    for column, original in zip(checked, checks, strict=True):
        if original is not None and any(mark in (row[column.name] or "") for mark in column.marks):
            return unreadable(row, column.name, original, column.reason)
    return None
