"""What a row may hold: one contract for what is stored and what a search can read."""

from collections import Counter
from typing import Final

from workflow.contract.columns import FLAG_COLUMNS, KEY, TAG_BYTES, TAG_COLUMNS
from workflow.contract.errors import ColumnUnreadable
from workflow.contract.ports.catalog import RangeRows, Row, UnreadableRow
from workflow.contract.unseen import is_seen, visible

SHOWN_CHARS: Final = 80
SAMPLE_ROWS: Final = 1000
"""Rows that planning reads, to tell a wrong column from a wrong row."""

_FLAGS: Final = {"0": "0", "1": "1", "false": "0", "true": "1"}


def read_row(row: Row) -> Row | UnreadableRow:
    """The row with its flags as 1 or 0, or its first value that cannot be used."""
    values = "".join(filter(None, row.values()))
    if not is_seen(values) or len(values) * 4 > TAG_BYTES:
        bad = _characters(row) or _tags(row)
        if bad:
            return bad
    return _flags(row)


def unreadable(row: Row, column: str, value: str, reason: str) -> UnreadableRow:
    """Names the row by its key, and cuts a long value."""
    shown = value if len(value) <= SHOWN_CHARS else f"{value[:SHOWN_CHARS]}..."
    return UnreadableRow(row[KEY] or "", column, shown, reason)


def check_sample(found: RangeRows) -> None:
    """Raise ColumnUnreadable if most rows of a sample fail in one column."""
    if not found.unreadable:
        return
    by_column = Counter(row.column for row in found.unreadable)
    column, count = by_column.most_common(1)[0]
    if 2 * count > len(found.keys):
        first = next(row for row in found.unreadable if row.column == column)
        raise ColumnUnreadable(
            f"{column} cannot be read in {count:,} of the first {len(found.keys):,} rows, "
            f"for example {KEY} {first.ndc!r}: {first.value!r} {first.reason}"
        )


def _characters(row: Row) -> UnreadableRow | None:
    """No text that people wrote has a NUL; a key is all seen, or it looks like another one."""
    key = row[KEY] or ""
    if not is_seen(key):
        reason = "has an invisible character; correct the key"
        return unreadable(row, KEY, visible(key), reason)
    for column, value in row.items():
        if value and "\0" in value:
            reason = "has a NUL; CAST binary columns to CHAR in the view, without their padding"
            return unreadable(row, column, repr(value), reason)
    return None


def _tags(row: Row) -> UnreadableRow | None:
    for column in TAG_COLUMNS:
        value = row.get(column)
        if value and len(value.encode()) > TAG_BYTES:
            reason = f"is longer than {TAG_BYTES:,} bytes, so no filter finds it; shorten it"
            return unreadable(row, column, value, reason)
    return None


def _flags(row: Row) -> Row | UnreadableRow:
    folded = {}
    for column in FLAG_COLUMNS:
        value = row.get(column)
        if value is None or value in ("0", "1"):
            continue
        word = value.strip().lower()
        if word and word not in _FLAGS:
            return unreadable(row, column, value, "is not a flag; make it 0, 1, true or false")
        folded[column] = _FLAGS.get(word)
    return {**row, **folded} if folded else row
