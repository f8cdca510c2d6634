"""How a column of each MySQL type is read, so that its value arrives whole or its loss is noticed.

Values come as the server writes them in UTF-8, unconverted by the driver: zero dates stay. A second
expression, the column's check, notices a value that cannot be carried to UTF-8.
"""

from dataclasses import dataclass
from typing import Final

from workflow.contract.columns import KEY
from workflow.contract.errors import ColumnUnreadable

BINARY_TYPES: Final = {
    *("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"),
}
CHARACTER_TYPES: Final = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext"}
SHAPES: Final = {
    *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"),
    *("multipolygon", "geometrycollection", "geomcollection", "vector"),
}
WHOLE_CHARSETS: Final = {
    *("utf8mb4", "utf8mb3", "utf8", "latin1", "ucs2", "utf16", "utf16le", "utf32"),
}
"""Everything these can hold becomes the same character in UTF-8, or bytes that are not UTF-8."""

SUBSTITUTES: Final = ("?", "\ufffd")
"""What servers write only for a character that Unicode lacks."""

REPLACEMENT: Final = "0xEFBFBD"
"""The second of the two, in UTF-8."""

NO_CHARACTER: Final = "is not a character of its column's character set; correct the value"
SIX_DIGITS: Final = "is a FLOAT, of which MySQL writes six digits; make the column DECIMAL"


@dataclass(frozen=True)
class Column:
    """A column to read: its expression, and a check that is NULL unless the value may be lost."""

    name: str
    value: str
    check: str | None = None
    marks: tuple[str, ...] = ("",)
    """The value is lost if its check has a value that holds one of these."""
    reason: str = SIX_DIGITS


def column_of(name: str, declared: str, collation: str | None) -> Column:
    """How to read it. Raises ColumnUnreadable. `declared` is MySQL's, such as `varchar(11)`."""
    kind = declared.partition("(")[0].split(" ")[0].lower()
    if name == KEY:
        _check_key(kind, declared)
    if kind in SHAPES:
        raise ColumnUnreadable(
            f"{name} is {declared}, which has no text; leave it out of the view or give it one"
        )
    value = f"t.`{name}`"
    if kind == "bit":
        return Column(name, f"{value} + 0")
    if kind == "float":
        # Six digits are written. 16777217 or 123456.7 would be another number.
        again = f"CAST(CAST({value} AS CHAR) AS FLOAT)"
        return Column(name, value, f"IF({again} <> {value}, CAST({value} AS DOUBLE), NULL)")
    charset = collation.split("_")[0] if collation else None
    if charset and charset not in WHOLE_CHARSETS:
        utf8 = f"CONVERT({value} USING utf8mb4)"
        differs = f"CAST(CONVERT({utf8} USING {charset}) AS BINARY) <> CAST({value} AS BINARY)"
        replaced = f"LOCATE({REPLACEMENT}, CAST({utf8} AS BINARY))"
        check = f"IF({differs} OR {replaced}, CONCAT('0x', HEX({value})), NULL)"
        return Column(name, value, check, SUBSTITUTES, NO_CHARACTER)
    return Column(name, value)


def _check_key(kind: str, declared: str) -> None:
    """Pages are ranges of text. A number compares differently, and has lost its leading zeros."""
    if kind not in CHARACTER_TYPES | BINARY_TYPES:
        raise ColumnUnreadable(
            f"the key {KEY} is {declared}, and pages need one of text; add a column such as ndc11 "
            f"CHAR(11) CHARACTER SET ascii COLLATE ascii_bin AS (LPAD({KEY}, 11, '0')) STORED "
            f"UNIQUE to the table, and let the view give it as {KEY}"
        )
